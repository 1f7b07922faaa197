package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// quoted is a command line that a document tells the reader to type, or that a sentence names.
type quoted struct {
	line  string
	typed bool // in a block: it must be right as it stands
}

// TestQuotedCommandsExist holds each command line of the documents and of the help against the program: the command
// exists and has these flags, and where it stands in a block, takes the values and operands it is shown with.
func TestQuotedCommandsExist(t *testing.T) {
	checked, root := 0, newRoot()
	for name, text := range quotingTexts(t) {
		for _, q := range quotedLines(text) {
			checked++
			if err := runnable(root, q); err != nil {
				t.Errorf("%s: %s: %v", name, q.line, err)
			}
		}
	}
	if checked < 200 {
		t.Errorf("only %d command lines were found: the documents are not read as they are written", checked)
	}
}

// TestWrongQuotesAreFound: the judgement itself can fail.
func TestWrongQuotesAreFound(t *testing.T) {
	root := newRoot()
	for line, want := range map[string]string{
		"ebbgate churn":                        "unknown command",
		"ebbgate sources --live":               "no flag --live",
		"ebbgate events -q":                    "no flag -q",
		"ebbgate sources -n many":              "invalid argument",
		"ebbgate explain":                      "needs",
		"sudo ebbgate status | ebbgate nosuch": "unknown command",
		"ebbgate import csf --flag x":          "no flag --flag",
	} {
		found := ""
		for _, q := range quotedLines("```\n" + line + "\n```\n") {
			if err := runnable(root, q); err != nil {
				found += err.Error()
			}
		}
		if !strings.Contains(found, want) {
			t.Errorf("%s: found %q, want %q", line, found, want)
		}
	}
	for _, line := range []string{"$ sudo ebbgate sources --service web -n5 --watch=1s # live", "ebbgate notify --test -- /bin/true --no-such", "ebbgate attacks ID --json | jq '.x | .y' > f"} {
		for _, q := range quotedLines("```sh\n" + line + "\n```\n") {
			if err := runnable(root, q); err != nil {
				t.Errorf("%s: %v", q.line, err)
			}
		}
	}
}

// quotingTexts returns the documents, and the examples of each command's help, by their names.
func quotingTexts(t *testing.T) map[string]string {
	t.Helper()
	const root = "../.."
	texts := map[string]string{}
	paths := []string{root + "/README.md", root + "/ARCHITECTURE.md"}
	err := filepath.WalkDir(root+"/docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = string(b)
	}
	commands := newRoot().Commands()
	for len(commands) > 0 {
		c := commands[0]
		commands = append(commands[1:], c.Commands()...)
		texts[c.CommandPath()+" --help"] = "```\n" + c.Example + "\n```\n"
	}
	return texts
}

var (
	inline = regexp.MustCompile("`((?:sudo )?ebbgate [^`]+)`")
	// program is how a command line names it; what is indented further is output.
	program = regexp.MustCompile(`^(?:  |    )?(?:\$ )?(?:sudo )?(?:\./bin/|/usr/sbin/|\./)?ebbgate( .*)?$`)
	unit    = regexp.MustCompile(`ExecStart=/usr/sbin/ebbgate ([^` + "`" + `\n]*)`)
)

// quotedLines finds the command lines of a text.
func quotedLines(text string) []quoted {
	var out []quoted
	fenced, prompts := false, false // a block with prompts has output between them
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced, prompts = !fenced, false
			continue
		}
		for _, m := range unit.FindAllStringSubmatch(line, -1) {
			out = append(out, quoted{"ebbgate " + m[1], false})
		}
		if !fenced {
			for _, m := range inline.FindAllStringSubmatch(line, -1) {
				out = append(out, commandsOf(m[1], false)...)
			}
		}
		prompts = line != "" && prompts || strings.HasPrefix(strings.TrimSpace(line), "$ ")
		if prompts && !strings.HasPrefix(strings.TrimSpace(line), "$ ") {
			continue
		}
		if fenced || strings.HasPrefix(line, "    ") {
			out = append(out, commandsOf(line, true)...)
		}
	}
	return out
}

// commandsOf returns the calls of the program in a line of a shell.
func commandsOf(line string, typed bool) []quoted {
	var out []quoted
	for _, part := range shellParts(line) {
		if m := program.FindStringSubmatch(strings.TrimRight(part, " ")); m != nil {
			out = append(out, quoted{"ebbgate" + m[1], typed})
		}
	}
	return out
}

// shellParts parts a line at what parts commands, without its redirections, and without its comment, which a help
// text sets apart by blanks.
func shellParts(line string) []string {
	parts, quote, part := []string{}, rune(0), ""
	for i, r := range line {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case r == '#' && i > 0 && line[i-1] == ' ', strings.HasPrefix(line[i:], "   ") && strings.TrimSpace(part) != "":
			return append(parts, part)
		case r == '|' || r == ';' || r == '&' || r == '>' || r == '<':
			parts, part = append(parts, part), ""
			continue
		}
		if part != "" || r != ' ' || len(parts) == 0 {
			part += string(r)
		}
	}
	return append(parts, part)
}

// placeholder is a word that stands for what the reader has.
var placeholder = regexp.MustCompile(`^[A-Z][A-Z.]*$|\.\.\.|…`)

// runnable says what is wrong with a command line. That flags keep the values of earlier ones changes nothing.
func runnable(root *cobra.Command, q quoted) error {
	words := shellWords(q.line)[1:]
	c, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	c.InitDefaultHelpFlag()
	c.InitDefaultVersionFlag()
	complete := q.typed
	for _, word := range rest {
		if word == "--" {
			break
		}
		complete = complete && !placeholder.MatchString(word)
		if name, long := strings.CutPrefix(word, "--"); long {
			name, _, _ = strings.Cut(name, "=")
			if c.Flags().Lookup(name) == nil {
				return fmt.Errorf("%s has no flag --%s", c.CommandPath(), name)
			}
		} else if short, is := strings.CutPrefix(word, "-"); is && short != "" && c.Flags().ShorthandLookup(short[:1]) == nil {
			return fmt.Errorf("%s has no flag -%s", c.CommandPath(), short[:1])
		}
	}
	if !complete {
		return nil
	}
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	return c.ValidateArgs(c.Flags().Args())
}

// shellWords parts a command line into words, without the brackets around what may be left out.
func shellWords(line string) []string {
	var words []string
	word, quote, some := "", rune(0), false
	for _, r := range line + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word += string(r)
		case r == '\'' || r == '"':
			quote, some = r, true
		case r == ' ':
			if some {
				words = append(words, word)
			}
			word, some = "", false
		case r == '[' || r == ']':
		default:
			word, some = word+string(r), true
		}
	}
	return words
}
