package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/policy"
)

// askTimeout bounds a question to the daemon, which answers from memory, and an order, which it
// answers within a turn of its loop or gives up before this time.
const askTimeout = 5 * time.Second

// ask calls the daemon and turns its absence into exit status 3.
func ask[T any](ctx context.Context, socket string, question func(*control.Client, context.Context) (T, error)) (T, error) {
	client := control.Dial(socket)
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answer, err := question(client, ctx)
	var refusal *control.Error
	switch {
	case errors.Is(err, control.ErrUnreachable):
		return answer, exitWith(exitUnreachable, err)
	case errors.As(err, &refusal) && refusal.Kind == control.KindInvalid:
		return answer, exitWith(exitUsage, err)
	case err != nil:
		return answer, exitWith(exitRuntime, err)
	}
	return answer, nil
}

// socketFlag adds the flag by which every client command finds the daemon.
func socketFlag(c *cobra.Command, socket *string) {
	c.Flags().StringVar(socket, "socket", policy.DefaultSocket, "control socket at `PATH`")
}

// answerOptions are the flags of every command that shows an answer of the daemon.
type answerOptions struct {
	socket string
	json   bool
}

func (o *answerOptions) add(c *cobra.Command) {
	socketFlag(c, &o.socket)
	c.Flags().BoolVar(&o.json, "json", false, "print JSON, as the control API gives it")
}

// show prints an answer as JSON or as write renders it for people.
func show[T any](c *cobra.Command, o *answerOptions, answer *T, write func(io.Writer, *T, control.TextOptions) error) error {
	w := c.OutOrStdout()
	if o.json {
		return writeJSON(w, answer)
	}
	if err := write(w, answer, control.TextOptions{Width: textWidth(w), Color: coloured(w), Now: time.Now()}); err != nil {
		return exitWith(exitRuntime, err)
	}
	return nil
}

func statusCommand() *cobra.Command {
	var o answerOptions
	c := &cobra.Command{
		Use:   "status",
		Short: "Show services, attacks, limits in force and the kernel's health",
		Long: `Show what the daemon sees and does: each service with the connections it holds, attacks,
limits and blocks in force with their reasons, who is exempt, SYN cookies, conntrack, and
anything that does not work. Exits 3 if no daemon answers.`,
		Example: "  ebbgate status\n  ebbgate status --json | jq '.services[] | {name, held, limits_total}'",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := ask(c.Context(), o.socket, (*control.Client).Status)
			if err != nil {
				return err
			}
			return show(c, &o, s, control.WriteStatus)
		},
	}
	o.add(c)
	return c
}
