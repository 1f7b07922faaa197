package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"ebbgate/internal/process"
	"ebbgate/internal/survey"
)

// closeOptions are the flags of close.
type closeOptions struct {
	selection selectFlags
	idle      time.Duration
	service   string
	config    string
	outgoing  bool
	top       int
	processes bool
	yes       bool
	force     bool
	json      bool
	lineage   lineage
}

// lineage returns the sockets of those by whom the command was started.
type lineage func(context.Context) (map[uint32]struct{}, error)

const closeLong = `Cut connections to this host by hand: by source, port, service or idle time. Shows what would
be cut and does nothing else, unless --yes is given. A connection that is cut is gone at once
for both ends: the application gets an error (ECONNABORTED), the peer a reset. The peer may
connect again; "ebbgate run" is what keeps it from doing so.

Left alone, unless --force is given: peers the policy exempts (exempt.prefixes), if there is a
policy; the host's own addresses and loopback; and the connection you are logged in over.
Connections this host opened itself are cut with --outgoing only. Those that leave from the
very port and address a service listens on cannot be told from connections that come in.
Of Multipath TCP it sees and cuts single subflows: the connection may live on over another.
Cutting needs root, looking does not.

Exits 0 if everything was cut, or nothing was to be; 1 on a failure; 2 on a command line that
makes no sense, a policy that cannot be read, or a --source that the policy exempts.`

const closeExample = `  ebbgate close --source 203.0.113.7                  what would be cut?
  ebbgate close --source 203.0.113.7 --yes            cut it
  ebbgate close --port 5432 --idle 2h -p              sessions nobody uses, and who holds them
  ebbgate close --service web --state close-wait      what the application does not close
  ebbgate close --source 2001:db8:7::/48 --port 443 --yes --json`

func closeCommand() *cobra.Command { return closeCommandOf(process.Lineage) }

// closeCommandOf returns the command for somebody with that lineage.
func closeCommandOf(who lineage) *cobra.Command {
	o := closeOptions{lineage: who}
	c := &cobra.Command{
		Use:     "close",
		Short:   "Cut connections by source, port, service or idle time, after showing them",
		Long:    closeLong,
		Example: closeExample,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			out, err := o.run(ctx, c)
			if out == nil {
				return err
			}
			w := c.OutOrStdout()
			if o.json {
				return errors.Join(err, writeJSON(w, out))
			}
			p := printer{w: w, width: textWidth(w)}
			out.write(&p)
			if p.err != nil && err == nil {
				err = exitWith(exitRuntime, fmt.Errorf("write what was cut: %w", p.err))
			}
			return err
		},
	}
	f := c.Flags()
	o.selection.add(f)
	lengthVar(f, &o.idle, "idle", 0, "only connections without data either way for this `DURATION`, like 30m")
	f.StringVar(&o.service, "service", "", "only connections to this `SERVICE` of the policy")
	f.StringVar(&o.config, "config", defaultPolicy, "policy `FILE` that says who is exempt")
	f.BoolVar(&o.outgoing, "outgoing", false, "also connections that this host opened itself")
	f.IntVar(&o.top, "top", 10, "show `N` sources, and so many of the connections idle longest")
	f.BoolVarP(&o.processes, "processes", "p", false, "show connections with the processes that hold them")
	f.BoolVar(&o.yes, "yes", false, "cut them")
	f.BoolVar(&o.force, "force", false, "cut also what is left alone otherwise")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// errNothingSelected keeps a slip from cutting everything.
var errNothingSelected = errors.New("say what to cut: at least one of --source, --port, --service or --idle is needed")

// run finds what is to be cut, cuts it if told to, and returns what to show.
func (o *closeOptions) run(ctx context.Context, c *cobra.Command) (*closed, error) {
	sel, err := o.check(c)
	if err != nil {
		return nil, exitWith(exitUsage, err)
	}
	exempt, only, note, err := o.readPolicy(c, &sel)
	if err != nil {
		return nil, exitWith(exitUsage, err)
	}
	if err := o.refuseExempt(&sel, exempt); err != nil {
		return nil, exitWith(exitUsage, err)
	}
	s, err := survey.Open(ctx, sel, only)
	if err != nil {
		return nil, exitWith(exitRuntime, err)
	}
	defer s.Close()
	spare, err := o.spare(ctx, exempt)
	if err != nil {
		return nil, exitWith(exitRuntime, err)
	}
	plan, err := s.Candidates(ctx, survey.Target{Idle: o.idle, Outgoing: o.outgoing, Spare: spare, Top: o.top})
	if err != nil {
		return nil, exitWith(exitRuntime, err)
	}
	out := newClosed(plan, note)
	if o.processes {
		if out.Hidden, err = survey.LookUp(ctx, plan); err != nil {
			return nil, exitWith(exitRuntime, err)
		}
		out.Connections = newConnections(plan.Connections)
	}
	out.Complete = s.Complete()
	if !o.yes || plan.Count() == 0 {
		return out, nil
	}
	if err := o.showPlan(c.OutOrStdout(), out); err != nil {
		return nil, err
	}
	out.Done = true
	outcome, err := s.Cut(ctx, plan)
	out.Cut, out.Gone, out.Refused = outcome.Cut, outcome.Gone, outcome.Refused
	return out, cutError(err)
}

// showPlan prints what is about to be cut, who is left alone and whether anybody is exempt, so that
// it can be read before the fact. It is one write: a reader that wants a line of it only, like
// head(1), does not end the command half way. JSON is one object and comes at the end.
func (o *closeOptions) showPlan(w io.Writer, out *closed) error {
	if o.json {
		return nil
	}
	var b bytes.Buffer
	p := printer{w: &b, width: textWidth(w)}
	out.writePlan(&p)
	out.shown = true
	if _, err := w.Write(b.Bytes()); err != nil {
		return exitWith(exitRuntime, fmt.Errorf("write what is to be cut, and cut nothing: %w", err))
	}
	return nil
}

// check reads the flags and names every one that makes no sense.
func (o *closeOptions) check(c *cobra.Command) (survey.Selection, error) {
	sel, err := o.selection.parse()
	errs := []error{refuseEmpty(c.Flags()), err}
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(o.selection.sources) == 0 && len(o.selection.ports) == 0 && !c.Flags().Changed("service") && !c.Flags().Changed("idle") {
		errs = append(errs, errNothingSelected)
	}
	if c.Flags().Changed("idle") && o.idle < time.Second {
		bad("--idle %s: must be 1s or more", o.idle)
	}
	if o.top < 0 || o.top > survey.MaxTop {
		bad("--top %d: must be 0 to %d", o.top, survey.MaxTop)
	}
	if rest := sel.States &^ survey.Closable; sel.States != 0 && rest != 0 {
		bad("--state: sockets in LISTEN, TIME_WAIT and CLOSE are not cut: the first is the service itself, the others hold nothing")
	}
	if o.service != "" && o.outgoing {
		bad("--outgoing does not go with --service: nobody connects to a service from inside it")
	}
	return sel, errors.Join(errs...)
}

// cutError says what to do about a refusal.
func cutError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPERM):
		return exitWith(exitRuntime, fmt.Errorf("%w\nOnly root may cut connections: run it with sudo", err))
	case errors.Is(err, survey.ErrNoDestroy):
		return exitWith(exitRuntime, fmt.Errorf("%w\nRestart the application instead, or block the source in your firewall", err))
	}
	return exitWith(exitRuntime, err)
}
