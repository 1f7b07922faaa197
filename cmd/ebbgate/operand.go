package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// oneOperand accepts exactly one operand, and says what it is to be where it is missing.
func oneOperand(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s needs %s: %s", c.Name(), what, usageOf(c))
		}
		return atMostOneOperand(what)(c, args)
	}
}

// atMostOneOperand accepts one operand or none.
func atMostOneOperand(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("%s takes %s only, but %d operands are given, of which %q is one too many: %s", c.Name(), what, len(args), args[1], usageOf(c))
		}
		return nil
	}
}

// usageOf is how a command is called, without its flags.
func usageOf(c *cobra.Command) string { return strings.TrimSpace(c.CommandPath() + " " + operands(c)) }

// operands is what a command takes besides flags.
func operands(c *cobra.Command) string {
	_, rest, _ := strings.Cut(c.Use, " ")
	return rest
}
