package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"ebbgate/internal/nstest"
)

// hostileName would clear the screen, set the title, write to the clipboard and turn the line around.
const hostileName = "\x1b[2J\x1b]0;t\a\x1b]52;c;cm0=\a\u009b31m\u202e</script>\xff\x7f\r\n!"

// harmless fails where a command wrote what a terminal would not simply show.
func harmless(t *testing.T, what, text string) {
	t.Helper()
	for i, line := range strings.Split(text, "\n") {
		bad := strings.IndexFunc(line, func(r rune) bool { return r != '\t' && !unicode.IsPrint(r) })
		if bad >= 0 || !utf8.ValidString(line) {
			t.Errorf("%s: line %d is %q", what, i+1, line)
		}
	}
}

// leaves returns every command line there is, without operands.
func leaves(c *cobra.Command, path []string) [][]string {
	if !c.HasSubCommands() {
		return [][]string{path}
	}
	var all [][]string
	for _, sub := range c.Commands() {
		all = append(all, leaves(sub, append(path[:len(path):len(path)], sub.Name()))...)
	}
	return all
}

// TestNoCommandEchoesHostileOperands gives every command an operand, a flag and a file that a stranger has
// named.
func TestNoCommandEchoesHostileOperands(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, hostileName[:8], "control.sock")
	all := leaves(newRoot(), nil)
	if len(all) < 15 {
		t.Fatalf("only the commands %v", all)
	}
	for _, path := range all {
		for _, args := range [][]string{{hostileName}, {"--" + hostileName}, {"--for", hostileName, "192.0.2.1"}, {hostileName, hostileName}} {
			line := append(path[:len(path):len(path)], args...)
			if c, _, err := newRoot().Find(path); err == nil && c.Flags().Lookup("socket") != nil {
				line = append(line, "--socket", socket)
			}
			var out, errs bytes.Buffer
			if status := execute(line, &out, &errs); status == exitOK {
				t.Errorf("%q: status 0", line)
			}
			harmless(t, strings.Join(path, " ")+" on stdout", out.String())
			harmless(t, strings.Join(path, " ")+" on stderr", errs.String())
		}
	}
}

func TestHostileFilesAreShownEscaped(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, strings.ReplaceAll(hostileName, "/", "_"))
	text := "mode = \"" + hostileName[:4] + "\"\n[[service]]\nname = '" + strings.NewReplacer("\x1b", "E", "\a", "", "\r\n", "", "\xff", "", "\x7f", "").Replace(hostileName) + "'\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range [][]string{{"check", file}, {"check", "--json", file}, {"import", "csf", file}, {"replay", file}, {"suggest", "--config", file}, {"run", "--config", file}} {
		var out, errs bytes.Buffer
		if status := execute(line, &out, &errs); status == exitOK {
			t.Errorf("%q: status 0", line)
		}
		if out.Len()+errs.Len() == 0 {
			t.Errorf("%q: says nothing", line[:len(line)-1])
		}
		harmless(t, line[0]+" on stdout", out.String())
		harmless(t, line[0]+" on stderr", errs.String())
	}
}

// TestHostileProcessIsShownEscaped gives the process that listens a name that would drive the terminal.
func TestHostileProcessIsShownEscaped(t *testing.T) {
	nstest.Enter(t)
	before, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	rename := func(name string) {
		if err := os.WriteFile("/proc/self/comm", []byte(name), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { rename(strings.TrimSuffix(string(before), "\n")) })
	nstest.AnyIP(t, "10.66.0.0/16")
	l := nstest.Listen(t, "0.0.0.0:80", 16)
	nstest.Dial(t, "10.66.0.1:0", "10.66.0.2:80")
	l.Accept()
	for name, shown := range map[string]string{
		"\x1b]52;c;cm0=\a":  `\x1b]52;c;cm0=\x07`,
		"\x1b[2J\u202eab":   `\x1b[2J\u202eab`,
		"\u009b31m\xff\x7f": `\x9b31m\xff\x7f`,
		"a\n\r\tb":          `a\x0a\x0d\x09b`,
	} {
		rename(name)
		for _, line := range [][]string{{"census", "--processes"}, {"audit"}, {"close", "--port", "80"}, {"suggest", "--for", "1s"}} {
			named := line[0] == "census" || line[0] == "suggest" // the others may have nothing to say of it
			if text := shownHarmless(t, line...); named && !strings.Contains(text, shown) {
				t.Errorf("%v does not show %q as %s:\n%s", line, name, shown, text)
			}
			if line[0] != "suggest" {
				text := shownHarmless(t, append(line, "--json")...)
				if quoted := strings.ReplaceAll(shown, `\`, `\\`); !json.Valid([]byte(text)) || named && !strings.Contains(text, quoted) {
					t.Errorf("%v --json does not name it %s:\n%s", line, quoted, text)
				}
			}
		}
	}
}

// shownHarmless runs a command line in the test's namespace, and returns what it wrote on stdout once neither that
// nor stderr would harm a terminal.
func shownHarmless(t *testing.T, line ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	root := stranger(newRoot())
	root.SetArgs(line)
	root.SetOut(&out)
	root.SetErr(&errs)
	if err := root.Execute(); err != nil {
		harmless(t, strings.Join(line, " ")+": error", err.Error())
	}
	harmless(t, strings.Join(line, " "), out.String())
	harmless(t, strings.Join(line, " ")+" on stderr", errs.String())
	return out.String()
}
