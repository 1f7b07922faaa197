package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/internal/escape"
)

func rulesetCommand() *cobra.Command {
	var socket string
	var asJSON, would bool
	c := &cobra.Command{
		Use:   "ruleset",
		Short: "Print the rules in force, in nft syntax",
		Long: `Print what the daemon has in the kernel, in nft syntax, with the time each lease has
left. In peace there is no table and nothing is printed. With --would it prints what the
present decision asks for, which differs while the kernel refuses a change.`,
		Example: "  ebbgate ruleset\n  ebbgate ruleset --would",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := ask(c.Context(), socket, (*control.Client).Ruleset)
			if err != nil {
				return err
			}
			w := c.OutOrStdout()
			if asJSON {
				return writeJSON(w, r)
			}
			text := r.Text
			if would {
				text = r.Would
			}
			if text == "" && onTerminal(w) {
				text = "# no table: nothing is limited\n"
			}
			if _, err := fmt.Fprint(w, escape.Lines(text)); err != nil {
				return exitWith(exitRuntime, fmt.Errorf("write ruleset: %w", err))
			}
			return nil
		},
	}
	socketFlag(c, &socket)
	c.Flags().BoolVar(&would, "would", false, "print the rules the present decision asks for")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, as the control API gives it")
	return c
}
