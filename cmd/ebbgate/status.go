package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/policy"
)

// askTimeout bounds a question to the daemon, which answers from memory.
const askTimeout = 5 * time.Second

// ask calls the daemon and turns its absence into exit status 3.
func ask[T any](ctx context.Context, socket string, question func(*control.Client, context.Context) (T, error)) (T, error) {
	client := control.Dial(socket)
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answer, err := question(client, ctx)
	switch {
	case errors.Is(err, control.ErrUnreachable):
		return answer, exitWith(exitUnreachable, err)
	case err != nil:
		return answer, exitWith(exitRuntime, err)
	}
	return answer, nil
}

// socketFlag adds the flag by which every client command finds the daemon.
func socketFlag(c *cobra.Command, socket *string) {
	c.Flags().StringVar(socket, "socket", policy.DefaultSocket, "the daemon's control socket")
}

func statusCommand() *cobra.Command {
	var socket string
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show services, attacks, limits in force and the kernel's health",
		Long: `Show what the daemon sees and does: each service with the connections it holds, attacks
and the limits in force with their reasons, SYN cookies, conntrack, and anything that
does not work. Exits 3 if no daemon answers.`,
		Example: "  ebbgate status\n  ebbgate status --json | jq '.services[] | {name, held, limits_total}'",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := ask(c.Context(), socket, (*control.Client).Status)
			if err != nil {
				return err
			}
			w := c.OutOrStdout()
			if asJSON {
				return writeJSON(w, s)
			}
			if err := control.WriteStatus(w, s, control.TextOptions{Width: textWidth(w), Color: coloured(w)}); err != nil {
				return exitWith(exitRuntime, fmt.Errorf("write status: %w", err))
			}
			return nil
		},
	}
	socketFlag(c, &socket)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, as the control API gives it")
	return c
}
