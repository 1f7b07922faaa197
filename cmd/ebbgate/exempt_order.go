package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"ebbgate/control"
)

// orderOptions are the flags of the commands that change what the daemon does.
type orderOptions struct {
	answerOptions
	service string
}

func (o *orderOptions) add(c *cobra.Command) {
	o.answerOptions.add(c)
	c.Flags().StringVar(&o.service, "service", "", "only at this `SERVICE` of the policy")
}

// ordered sends an order and shows what became of it.
func ordered[T any](c *cobra.Command, o *answerOptions, write func(io.Writer, *T, control.TextOptions) error,
	send func(*control.Client, context.Context) (*T, error)) error {
	done, err := ask(c.Context(), o.socket, send)
	if err != nil {
		return err
	}
	return show(c, o, done, write)
}
