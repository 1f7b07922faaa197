package control

import (
	"bytes"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// compareNet compares the address types of the standard library by their text.
var compareNet = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
}

func render(t testing.TB, s *Status, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteStatus(&b, s, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestStatusTextGolden(t *testing.T) {
	for _, tt := range []struct {
		name string
		s    *Status
		o    TextOptions
	}{
		{"peace", peace(), TextOptions{}},
		{"attack", attack(), TextOptions{}},
		{"attack_color", attack(), TextOptions{Color: true}},
		{"attack_narrow", attack(), TextOptions{Width: 60}},
		{"kinds", kinds(), TextOptions{}},
		{"kinds_narrow", kinds(), TextOptions{Width: 60}},
		{"degraded", degraded(), TextOptions{}},
		{"degraded_stale", degraded(), TextOptions{Now: night(3, 3, 0, 0).Time}},
		{"nasty", nasty(), TextOptions{}},
		{"empty", &Status{}, TextOptions{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := render(t, tt.s, tt.o)
			golden(t, "text_"+tt.name+".txt", []byte(text))
			if !tt.o.Color {
				checkText(t, text, tt.o.Width)
			}
		})
	}
}

// checkText states what holds for every rendering without colour.
func checkText(t *testing.T, text string, width int) {
	t.Helper()
	if width == 0 {
		width = defaultWidth
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if n := columns(line); n > max(width, minWidth) {
			t.Errorf("%d columns: %q", n, line)
		}
		for _, r := range line {
			if !unicode.IsPrint(r) || unicode.Is(unicode.M, r) {
				t.Errorf("%U in %q", r, line)
			}
		}
		if strings.HasSuffix(line, " ") {
			t.Errorf("space at the end of %q", line)
		}
	}
}

// TestTablesFitATerminal: on 80 columns the tables of addresses have a line for each row, as on 100.
func TestTablesFitATerminal(t *testing.T) {
	for name, write := range map[string]func(int) string{
		"status":  func(width int) string { return render(t, attack(), TextOptions{Width: width}) },
		"attacks": func(width int) string { return written(t, WriteAttacks, past(), TextOptions{Width: width}) },
	} {
		wide, narrow := rows(write(100)), rows(write(80))
		if len(wide) < 3 || len(wide) != len(narrow) {
			t.Errorf("%s: %d rows on 100 columns, %d on 80:\n%s", name, len(wide), len(narrow), strings.Join(narrow, "\n"))
		}
	}
}

// rows returns the lines that are a row of a table as a whole: with its first cell and its last.
func rows(page string) []string {
	whole := regexp.MustCompile(`^ *(\d+ .*(OPEN|ended)|[0-9a-f.:/]+ .*(of \d+, [a-z._]+|\(would be blocked\)))$`)
	var out []string
	for line := range strings.Lines(page) {
		if whole.MatchString(strings.TrimSuffix(line, "\n")) {
			out = append(out, line)
		}
	}
	return out
}

func TestColorAddsNothingButColor(t *testing.T) {
	colored := render(t, attack(), TextOptions{Color: true})
	for _, st := range []style{alarm, care, calm, subtle} {
		colored = strings.ReplaceAll(colored, "\x1b["+string(st)+"m", "")
	}
	colored = strings.ReplaceAll(colored, "\x1b[0m", "")
	if d := cmp.Diff(render(t, attack(), TextOptions{}), colored); d != "" {
		t.Errorf("-plain +colored:\n%s", d)
	}
}

func TestFreshPictureIsNotCalledOld(t *testing.T) {
	s := peace()
	for d, want := range map[time.Duration]bool{-time.Hour: false, 0: false, staleAfter: false, staleAfter + time.Second: true} {
		text := render(t, s, TextOptions{Now: s.At.Add(d)})
		if got := strings.Contains(text, "picture is"); got != want {
			t.Errorf("read after %v: called old: %v, want %v", d, got, want)
		}
	}
}

func TestCookieWords(t *testing.T) {
	for _, tt := range []struct {
		k    Kernel
		st   style
		says string
	}{
		{Kernel{SynCookies: 0}, alarm, "OFF"},
		{Kernel{SynCookies: 1}, plain, "not needed now"},
		{Kernel{SynCookies: 1, CookiesSentPerS: 50, CookiesValidPerS: 49}, care, "IN USE: 50/s sent, 49/s came back valid, 0/s failed"},
		{Kernel{SynCookies: 1, CookiesSentPerS: 5000, CookiesValidPerS: 3}, care, "forged"},
		{Kernel{SynCookies: 1, CookiesSentPerS: 5000, CookiesValidPerS: 4000}, care, "IN USE"},
		{Kernel{SynCookies: 2}, care, "ALWAYS"},
		{Kernel{SynCookies: -1}, care, "unknown"},
	} {
		st, text := cookieWords(&tt.k)
		if st != tt.st || !strings.Contains(text, tt.says) {
			t.Errorf("%+v: %q (style %q), want %q in style %q", tt.k, text, st, tt.says, tt.st)
		}
		forged := tt.k.CookiesSentPerS == 5000 && tt.k.CookiesValidPerS == 3
		if strings.Contains(text, "forged") != forged {
			t.Errorf("%+v: wrong judgement: %q", tt.k, text)
		}
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestWriteStatusReportsTheWriter(t *testing.T) {
	want := errors.New("pipe closed")
	if err := WriteStatus(brokenWriter{want}, peace(), TextOptions{}); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
