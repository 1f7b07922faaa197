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

// order sends an order and shows what became of it.
func (o *orderOptions) order(c *cobra.Command, write func(io.Writer, *control.Exempted, control.TextOptions) error,
	send func(*control.Client, context.Context) (*control.Exempted, error)) error {
	done, err := ask(c.Context(), o.socket, send)
	if err != nil {
		return err
	}
	return show(c, &o.answerOptions, done, write)
}
