package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ebbgate/internal/csf"
	"ebbgate/internal/escape"
)

const importLong = `Translate the configuration of another program into a policy. Nothing of it is changed, and the
policy it prints is in shadow mode: check it, run it beside the old program, compare.`

const importCSFLong = `Translate the limits of ConfigServer Security & Firewall (csf and lfd). Reads csf.conf, and
csf.allow, csf.ignore and csf.deny beside it with what they include. Prints a policy in which
each number says which line it comes from and in what it differs; what has no counterpart is
listed with the reason, at the end of the policy and on standard error.

Exits 0 when a policy was made, 1 if it cannot be written, 2 for a file that cannot be read or
is not csf's.`

// importOptions are the flags of import csf.
type importOptions struct {
	dir    string
	out    string
	force  bool
	asJSON bool
}

func importCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "import",
		Short:   "Translate the configuration of csf into a policy",
		Long:    importLong,
		Example: "  ebbgate import csf /etc/csf/csf.conf",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(importCSFCommand())
	return c
}

func importCSFCommand() *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "csf FILE",
		Short: "Translate a csf.conf, and the lists beside it",
		Long:  importCSFLong,
		Example: `  ebbgate import csf /etc/csf/csf.conf -o /tmp/policy.toml   with CT_LIMIT = "300" in it, say:
    per_source = 300
  ebbgate check /tmp/policy.toml
  ebbgate import csf copy/csf.conf --dir /etc/csf --json | jq '.left[] | {key, why}'`,
		Args: oneOperand("a csf.conf"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := refuseEmpty(c.Flags()); err != nil {
				return exitWith(exitUsage, err)
			}
			if o.force && o.out == "" {
				return exitWith(exitUsage, errors.New("--force: is for --output FILE, which is not given"))
			}
			m, err := importCSF(args[0], o.dir)
			if err != nil {
				return exitWith(exitUsage, err)
			}
			return o.write(c.OutOrStdout(), c.ErrOrStderr(), m)
		},
	}
	c.Flags().StringVar(&o.dir, "dir", "", "the `DIRECTORY` with csf.allow, csf.ignore and csf.deny (that of FILE)")
	c.Flags().StringVarP(&o.out, "output", "o", "", "write the policy to `FILE`, which must not exist")
	c.Flags().BoolVar(&o.force, "force", false, "let --output replace a file")
	c.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return c
}

// importCSF reads FILE and the lists in dir, or beside FILE where dir is empty.
func importCSF(file, dir string) (*csf.Import, error) {
	text, err := readConf(file)
	if err != nil {
		return nil, err
	}
	if dir == "" {
		dir = filepath.Dir(file)
	}
	// Nothing that an Include or a link names outside of it is opened.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("read lists of csf: %w", err)
	}
	defer root.Close()
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return csf.Translate(csf.Source{Name: file, Text: text}, root.FS(), dir)
}

func readConf(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("read csf configuration: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read csf configuration %q: not a regular file; it is /etc/csf/csf.conf where csf is installed", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read csf configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, csf.MaxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("read csf configuration: %w", err)
	}
	return text, nil
}

// write prints the policy or stores it, and says on stderr what is left.
func (o *importOptions) write(stdout, stderr io.Writer, m *csf.Import) error {
	if o.out != "" {
		if err := writeFile("policy", o.out, m.Policy, 0o644, o.force); err != nil {
			return exitWith(exitRuntime, err)
		}
	}
	switch {
	case o.asJSON:
		return writeJSON(stdout, m)
	case o.out == "":
		if _, err := io.WriteString(stdout, m.Policy); err != nil {
			return exitWith(exitRuntime, fmt.Errorf("write policy: %w", err))
		}
	default:
		fmt.Fprintf(stdout, "%s: written; next: ebbgate check %s\n", escape.Terminal(o.out), escape.Terminal(o.out))
	}
	fmt.Fprintf(stderr, "%d translated; without a counterpart:\n", len(m.Translated))
	for _, line := range m.Lines() {
		fmt.Fprintln(stderr, fold(stderr, line))
	}
	return nil
}
