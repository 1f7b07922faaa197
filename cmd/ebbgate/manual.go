//go:build manual

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ebbgate/packaging"
)

// main writes what the package holds besides the program into the directory it is given: a manual page
// for each command and for the policy, completions, and the policy as it is installed. It is run where
// config.example.toml is, and dates the pages with SOURCE_DATE_EPOCH (reproducible-builds.org).
func main() {
	if err := writeManual(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func writeManual(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("got %d operands: want the directory to write into", len(args))
	}
	files, err := manualFiles()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(args[0], 0o755); err != nil {
		return fmt.Errorf("make directory for the manual: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(args[0], name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write the manual: %w", err)
		}
	}
	return nil
}

// manualFiles returns the texts by the names of their files.
func manualFiles() (map[string]string, error) {
	epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read SOURCE_DATE_EPOCH: %w", err)
	}
	date := time.Unix(epoch, 0).UTC().Format(time.DateOnly)
	example, err := os.ReadFile("config.example.toml")
	if err != nil {
		return nil, fmt.Errorf("read example policy: %w", err)
	}
	files := map[string]string{}
	if files["config.toml"], err = packaging.Policy(string(example)); err != nil {
		return nil, err
	}
	if files["ebbgate-config.5"], err = packaging.ConfigPage(string(example), date, version); err != nil {
		return nil, err
	}
	root := newRoot()
	for name, text := range commandPages(root, date) {
		files[name] = text
	}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"ebbgate.bash": func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
		"ebbgate.zsh":  func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
		"ebbgate.fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return nil, fmt.Errorf("write completion %s: %w", name, err)
		}
		files[name] = b.String()
	}
	return files, nil
}

// commandPages returns a page for the program and one for each of its commands, and theirs.
func commandPages(root *cobra.Command, date string) map[string]string {
	pages := map[string]string{"ebbgate.8": programPage(root, date)}
	for _, c := range root.Commands() {
		addPages(pages, c, date)
	}
	return pages
}

// addPages adds the page of a command and those of its own commands.
func addPages(pages map[string]string, c *cobra.Command, date string) {
	p := packaging.NewPage(pageName(c), 8, date, version, lowerFirst(c.Short))
	p.Section("Synopsis")
	p.Usage(c.CommandPath(), strings.TrimSpace(operands(c)+" [flags]"))
	description, exits := texts(c)
	p.Section("Description")
	p.Text(description)
	see := []string{pageName(c.Parent()) + "(8)"}
	if c.HasSubCommands() {
		p.Section("Commands")
	}
	for _, sub := range c.Commands() {
		p.Option(sub.Name(), operands(sub), sub.Short+".")
		see = append(see, pageName(sub)+"(8)")
		addPages(pages, sub, date)
	}
	p.Section("Options")
	writeFlags(p, c)
	if c.Example != "" {
		p.Section("Examples")
		p.Text(c.Example)
	}
	p.Section("Exit status")
	p.Text(exits)
	p.Section("See also")
	p.SeeAlso(append(see, "ebbgate-config(5)")...)
	pages[pageName(c)+".8"] = p.String()
}

// pageName is the name of a command's page.
func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

const exitText = `0 on success, 1 when something went wrong while running, 2 on a bad policy or a command line that
makes no sense, 3 when the daemon cannot be reached.`

const filesText = `The policy, read at start and at systemctl reload ebbgate.`

// programPage is the page of the program as a whole.
func programPage(root *cobra.Command, date string) string {
	p := packaging.NewPage(root.Name(), 8, date, version, lowerFirst(root.Short))
	p.Section("Synopsis")
	p.Usage("ebbgate", "COMMAND [flags]")
	p.Section("Description")
	p.Text(root.Long)
	p.Section("Commands")
	see := []string{"ebbgate-config(5)"}
	for _, c := range root.Commands() {
		p.Option(c.Name(), operands(c), c.Short+".")
		see = append(see, "ebbgate-"+c.Name()+"(8)")
	}
	p.Section("Exit status")
	p.Text(exitText)
	p.Section("Files")
	p.Option(defaultPolicy, "", filesText)
	p.Section("See also")
	p.SeeAlso(append(see, "nft(8)", "systemctl(1)")...)
	return p.String()
}

// texts returns what a command says of itself, and how it exits: its own words where they name
// every status, which is where they begin with success.
func texts(c *cobra.Command) (description, exits string) {
	if c.Long == "" {
		return c.Short + ".", exitText
	}
	if i := strings.LastIndex(c.Long, "Exits 0 "); i >= 0 {
		return strings.TrimSpace(c.Long[:i]), c.Long[i:]
	}
	return c.Long, exitText
}

func writeFlags(p *packaging.Page, c *cobra.Command) {
	c.InitDefaultHelpFlag()
	c.Flags().VisitAll(func(f *pflag.Flag) {
		kind, text := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if d := f.DefValue; d != "" && d != "false" && d != "[]" && d != "0s" {
			text += " (default " + d + ")"
		}
		p.Option(name, kind, text)
	})
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
