package packaging

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checkPages compares the pages with what the program says of itself.
func checkPages(t *testing.T, program string, data map[string]file) {
	pages := map[string]string{}
	for name, f := range data {
		if strings.HasPrefix(name, "usr/share/man/") && !f.isDirectory {
			pages[strings.TrimSuffix(filepath.Base(name), ".gz")] = gunzip(t, f.text)
		}
	}
	want := []string{"ebbgate-config.5", "ebbgate.8"}
	for line := range strings.Lines(output(t, program, "__complete", "")) {
		command, about, isCommand := strings.Cut(strings.TrimSpace(line), "\t")
		if !isCommand || command == "help" {
			continue
		}
		want = append(want, checkCommand(t, program, pages, command)...)
		if !strings.Contains(plain(pages["ebbgate.8"]), "\n"+about+".\n") {
			t.Errorf("ebbgate(8) does not say %q", about)
		}
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(pages)); !slices.Equal(got, want) {
		t.Errorf("pages %v, want %v", got, want)
	}
	lintPages(t, pages)
}

// checkCommand looks at the page of a command and at those of its own commands, and returns their names.
func checkCommand(t *testing.T, program string, pages map[string]string, command ...string) []string {
	t.Helper()
	name := strings.Join(append([]string{"ebbgate"}, command...), "-") + ".8"
	help := output(t, program, append(command, "--help")...)
	checkPage(t, pages[name], strings.Join(command, "-"), help)
	names := []string{name}
	_, own, has := strings.Cut(help, "\nAvailable Commands:\n")
	if !has {
		return names
	}
	own, _, _ = strings.Cut(own, "\n\n")
	for line := range strings.Lines(own) {
		sub, about, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.Contains(plain(pages[name]), strings.TrimSpace(about)+".\n") {
			t.Errorf("%s does not say %q", name, strings.TrimSpace(about))
		}
		names = append(names, checkCommand(t, program, pages, append(command, sub)...)...)
	}
	return names
}

// typeWord matches a flag whose usage has no word in back-quotes.
var typeWord = regexp.MustCompile(`--[a-z-]+ (string|strings|int|uint|duration)\b`)

// checkPage looks for each flag that the help lists, and for its first and last line.
func checkPage(t *testing.T, page, command, help string) {
	t.Helper()
	text := plain(page)
	if !strings.HasPrefix(page, ".nh\n"+`.TH "EBBGATE-`+strings.ToUpper(command)+`" "8" "2023-11-14" "ebbgate 1.2.3~rc1" "ebbgate"`+"\n") {
		t.Errorf("%s: begins with %.100q", command, page)
	}
	if first, _, _ := strings.Cut(help, "\n"); !strings.Contains(text, first) {
		t.Errorf("%s: the page lacks what the help begins with: %q", command, first)
	}
	_, flags, _ := strings.Cut(help, "\nFlags:\n")
	flags, _, _ = strings.Cut(flags, "\n\n")
	found := 0
	for line := range strings.Lines(flags) {
		if _, value, ok := strings.Cut(strings.TrimSpace(line), " (default "); ok && !strings.Contains(text, " (default "+strings.ReplaceAll(value, `"`, "")+"\n") {
			t.Errorf("%s: the page lacks the default of %q", command, line)
		}
		for _, word := range strings.Fields(line) {
			if kind := typeWord.FindString(line); kind != "" {
				t.Errorf("%s: a type of Go stands for what to write: %s", command, kind)
			}
			if strings.HasPrefix(word, "--") {
				found++
				if !strings.Contains(text, word) {
					t.Errorf("%s: the page lacks %s", command, word)
				}
				break
			}
		}
	}
	if found == 0 {
		t.Errorf("%s: the help lists no flag, not even --help", command)
	}
	for _, section := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"} {
		if strings.Count(text, ".SH "+section+"\n") != 1 {
			t.Errorf("%s: the page lacks section %s, or has it twice", command, section)
		}
	}
}

// plain takes the escapes out of a page.
func plain(page string) string {
	return strings.NewReplacer(`\-`, "-", `\(aq`, "'", `\(ga`, "`", `\(ha`, "^", `\(ti`, "~", `\fB`, "", `\fI`, "", `\fP`, "", `\&`, "", `\e`, `\`).Replace(page)
}

// lintPages has the pages judged by mandoc.
func lintPages(t *testing.T, pages map[string]string) {
	dir := t.TempDir()
	var files []string
	for name, text := range pages {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	out, err := exec.Command("mandoc", append([]string{"-Tlint", "-Wwarning"}, files...)...).CombinedOutput()
	if err != nil || len(out) != 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}
