package escape_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"

	"ebbgate/internal/escape"
)

// hostile is what strangers call themselves, and what a terminal is to show instead.
var hostile = []struct{ name, text, terminal string }{
	{"plain", "nginx: worker", "nginx: worker"},
	{"empty", "", ""},
	{"letters", "Größe 数", "Größe 数"},
	{"colour", "\x1b[31mred", `\x1b[31mred`},
	{"title", "\x1b]0;owned\a", `\x1b]0;owned\x07`},
	{"hyperlink", "\x1b]8;;http://x\x1b\\y", `\x1b]8;;http://x\x1b\y`},
	{"clipboard", "\x1b]52;c;cm0=\a", `\x1b]52;c;cm0=\x07`},
	{"second set", "\u009b31m\u009d0;x\u009c", `\x9b31m\x9d0;x\x9c`},
	{"line breaks", "a\nb\r\nc\u2028d\u0085", `a\x0ab\x0d\x0ac\u2028d\x85`},
	{"backspace and delete", "ok\b\bno\x7f", `ok\x08\x08no\x7f`},
	{"NUL and tab", "a\x00b\tc", `a\x00b\x09c`},
	{"bidirectional", "\u202egpj.exe\u2066", `\u202egpj.exe\u2066`},
	{"invisible", "a\u200bb\ufeff\u00a0", `a\u200bb\ufeff\xa0`},
	{"piled up", "a\u0301\u0301", `a\u0301\u0301`},
	{"tag characters", "a\U000e0041", `a\U000e0041`},
	{"not UTF-8", "\xff\xfea\xc3", `\xff\xfea\xc3`},
	{"surrogate", "\xed\xa0\x80", `\xed\xa0\x80`},
	{"script", "</script><img onerror=x>", "</script><img onerror=x>"},
	{"breaks out of TOML", "\"\n[service]\nmode = \"enforce\" # '''\\", `"\x0a[service]\x0amode = "enforce" # '''\`},
	{"very long", strings.Repeat("\x1b", 100000), strings.Repeat(`\x1b`, 100000)},
}

func TestTerminal(t *testing.T) {
	for _, c := range hostile {
		if got := escape.Terminal(c.text); got != c.terminal {
			t.Errorf("%s: %q, want %q", c.name, got, c.terminal)
		}
		if got := escape.Terminal(c.terminal); got != c.terminal {
			t.Errorf("%s: escaped again it is %q, want %q", c.name, got, c.terminal)
		}
	}
}

func TestLinesKeepsLineEnds(t *testing.T) {
	if got, want := escape.Lines("a\x1b\nb\r\n\n\u202e"), "a\\x1b\nb\\x0d\n\n\\u202e"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := escape.Lines("\t\tdrop\x1b\n\tx\ty\n"), "\t\tdrop\\x1b\n\tx\\x09y\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := escape.Lines("plain"); got != "plain" {
		t.Errorf("%q, want it as it was", got)
	}
}

// shows reports what of text a terminal would not simply show.
func shows(t *testing.T, what, text, besides string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s: %.200q is not UTF-8", what, text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) && !strings.ContainsRune(besides, r) {
			t.Errorf("%s: %.200q holds %q", what, text, r)
			return
		}
	}
}

func TestTOML(t *testing.T) {
	for _, c := range hostile {
		checkTOML(t, c.text)
	}
}

func checkTOML(t *testing.T, text string) {
	t.Helper()
	got := escape.TOML(text)
	shows(t, "string", got, "")
	var file struct{ A, B string }
	if _, err := toml.Decode("a = "+got+"\nb = \"rest\"\n", &file); err != nil {
		t.Fatalf("%.200q as %.200q: %v", text, got, err)
	}
	if want := string([]rune(text)); file.A != want || file.B != "rest" {
		t.Errorf("%.200q as %.200q: read as %.200q, then %q", text, got, file.A, file.B)
	}
}

func TestComment(t *testing.T) {
	for _, c := range hostile {
		checkComment(t, "", c.text)
		checkComment(t, "  ", c.text)
	}
	long := strings.Repeat("word ", 60)
	got := escape.Comment("  ", long)
	for line := range strings.Lines(got) {
		if len(strings.TrimSpace(line)) < 60 && !strings.HasSuffix(got, line) {
			t.Errorf("a line is broken early: %q", line)
		}
	}
	if got := escape.Comment("", ""); got != "#\n" {
		t.Errorf("no text makes %q, want a bare number sign", got)
	}
}

func checkComment(t *testing.T, indent, text string) {
	t.Helper()
	got := escape.Comment(indent, text)
	shows(t, "comment", got, "\n")
	for line := range strings.Lines(got) {
		if !strings.HasPrefix(line, indent+"#") || !strings.HasSuffix(line, "\n") {
			t.Fatalf("%.200q: line %q is no comment", text, line)
		}
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > escape.Columns {
			t.Fatalf("%.200q: line %q has %d columns, want at most %d", text, line, n, escape.Columns)
		}
	}
	flat := func(s string) string { return strings.Join(strings.Fields(s), "") }
	body := strings.ReplaceAll(strings.ReplaceAll("\n"+got, "\n"+indent+"#", "\n"), "\n", "")
	if flat(body) != flat(escape.Terminal(text)) {
		t.Errorf("%.200q: the comment says %.200q", text, got)
	}
	var file map[string]any
	if _, err := toml.Decode(got+"after = 1\n", &file); err != nil || len(file) != 1 {
		t.Errorf("%.200q: a file with it reads as %v, %v", text, file, err)
	}
}

func TestJSON(t *testing.T) {
	for _, c := range hostile {
		checkJSON(t, c.text)
	}
}

func checkJSON(t *testing.T, text string) {
	t.Helper()
	plain, err := json.MarshalIndent(map[string]string{"a": text, text: "b"}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got := escape.JSON(plain)
	shows(t, "JSON", string(got), "\n")
	var want, have map[string]string
	if err := json.Unmarshal(plain, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &have); err != nil {
		t.Fatalf("%.200q: %v", got, err)
	}
	if len(want) != len(have) || want["a"] != have["a"] || have[string([]rune(text))] != want[string([]rune(text))] {
		t.Errorf("%.200q: value %.200q became %.200q", text, want, have)
	}
}

func FuzzEscape(f *testing.F) {
	for _, c := range hostile[:len(hostile)-1] {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		shows(t, "terminal", escape.Terminal(s), "")
		shows(t, "lines", escape.Lines(s), "\n")
		if once := escape.Terminal(s); escape.Terminal(once) != once {
			t.Errorf("%q: escaping again changes %q", s, once)
		}
		checkTOML(t, s)
		checkComment(t, "  ", s)
		checkJSON(t, s)
	})
}
