package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// limitFlag adds the flag by which a list is kept short.
func limitFlag(c *cobra.Command, n *int, given int, usage string) {
	c.Flags().IntVarP(n, "limit", "n", given, usage)
}

// checkLimit says how long a list may be, if one was asked for that may not.
func checkLimit(c *cobra.Command, n, least, most int) error {
	if c.Flags().Changed("limit") && (n < least || n > most) {
		return fmt.Errorf("--limit: %d is out of range; it must be %d to %d", n, least, most)
	}
	return nil
}
