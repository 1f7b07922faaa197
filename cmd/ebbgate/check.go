package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"ebbgate/daemon"
	"ebbgate/policy"
)

// checked is the JSON form of what check found.
type checked struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Services []checkedService `json:"services,omitempty"`
	Warnings []string         `json:"warnings,omitempty"`
	Problems []checkedProblem `json:"problems,omitempty"`
}

type checkedProblem struct {
	Line int    `json:"line"`
	Key  string `json:"key"`
	Text string `json:"text"`
}

func checkCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Validate a policy file, without privilege and without a daemon",
		Long: `Validate a policy file. Prints the limits of each service, those that are not set, and
what is worth a warning; or every problem as FILE:LINE: key: what is wrong, what is
allowed. Run by root, it warns too where the service's user could not read the file. Exits 2
on a problem.`,
		Example: "  ebbgate check /etc/ebbgate/config.toml",
		Args:    oneOperand("a file"),
		RunE: func(c *cobra.Command, args []string) error {
			return check(c.OutOrStdout(), args[0], asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func check(w io.Writer, path string, asJSON bool) error {
	p, _, err := daemon.ReadPolicy(path)
	var problems policy.Problems
	switch {
	case errors.As(err, &problems) && asJSON:
		out := checked{File: path}
		for _, x := range problems {
			out.Problems = append(out.Problems, checkedProblem{Line: x.Line, Key: x.Key, Text: x.Text})
		}
		return errors.Join(writeJSON(w, out), exitWith(exitUsage, errors.New("")))
	case err != nil && asJSON:
		out := checked{File: path, Problems: []checkedProblem{{Text: err.Error()}}}
		return errors.Join(writeJSON(w, out), exitWith(exitUsage, errors.New("")))
	case err != nil:
		return exitWith(exitUsage, err)
	}
	warnings := slices.Concat(p.Warnings(), portWarnings(p, localPortRange(), reservedPorts()), accessWarning(path))
	if asJSON {
		out := checked{File: path, OK: true, Warnings: warnings}
		for _, s := range p.Services {
			out.Services = append(out.Services, checkService(&s))
		}
		return writeJSON(w, out)
	}
	fmt.Fprintf(w, "%s: good, %d %s\n", path, len(p.Services), plural(len(p.Services), "service", "services"))
	absent := false
	for _, s := range p.Services {
		writeService(w, &s)
		absent = absent || len(notSet(&s)) > 0
	}
	if absent {
		fmt.Fprintln(w, `A limit that is not set is not enforced; "ebbgate suggest" proposes values.`)
	}
	for _, warning := range warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
	return nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
