package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

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

// checkOrder names all that makes no sense of an order about a prefix.
func checkOrder(c *cobra.Command, operand string) error {
	_, err := control.ParsePrefix(operand)
	return errors.Join(err, refuseEmpty(c.Flags()))
}

// lastingOptions are the flags of the orders about a prefix that hold for a while.
type lastingOptions struct {
	orderOptions
	length, reason string
}

// add adds them; given is the length that holds without --for.
func (o *lastingOptions) add(c *cobra.Command, given time.Duration) {
	o.orderOptions.add(c)
	c.Flags().StringVar(&o.length, "for", formatLength(given), "for this `DURATION`, like 90m, 24h or 7d")
	c.Flags().StringVar(&o.reason, "reason", "", "why: a `TEXT` for whoever looks next")
}

// check reads the length and checks the operand, each by what the order allows, and names all that makes no
// sense.
func (o *lastingOptions) check(c *cobra.Command, operand string, allowedFor func(time.Duration) error, allowed func(netip.Prefix) error) (time.Duration, error) {
	d, err := parseLength(o.length)
	if err == nil {
		err = allowedFor(d)
	}
	if err != nil {
		err = fmt.Errorf("--for: %w", err)
	}
	errs := []error{err}
	if err := control.CheckReason(o.reason); err != nil {
		errs = append(errs, fmt.Errorf("--reason: %w", err))
	}
	prefix, err := control.ParsePrefix(operand)
	if err == nil {
		err = allowed(prefix)
	}
	return d, errors.Join(append(errs, err, refuseEmpty(c.Flags()))...)
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
