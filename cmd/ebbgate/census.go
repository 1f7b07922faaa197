package main

import (
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/spf13/cobra"
)

// censusOptions are the flags of census.
type censusOptions struct {
	selection selectFlags
	config    string
	group     string
	top       int
	queues    bool
	idle      time.Duration
	watch     time.Duration
	processes bool
	json      bool
}

const censusLong = `Count this host's TCP connections straight from the kernel; no daemon is needed. Without a
policy every port that somebody listens on is a service. Held are connections that take a
slot of the application (ESTABLISHED, CLOSE_WAIT, FIN_WAIT), never TIME_WAIT; connections
the host opened itself do not count, and its own addresses are no source. IPv6 addresses count
by /64, unless --group says otherwise.
Connections that an application leaks (CLOSE_WAIT for a minute or more) are shown with the
process that does.

--queues and --idle list single sockets instead: those that wait for somebody, and those
nobody uses. Root sees every process, other users see their own.`

const censusExample = `  ebbgate census                                      who holds how many connections, of what
  ebbgate census --port 443 --group 24,48             by network instead of by address
  ebbgate census --state close-wait,fin-wait-2        sockets in these states only
  ebbgate census --source 203.0.113.0/24 --top 20     what one network has open here
  ebbgate census --queues                             who does not read, accept or acknowledge
  ebbgate census --idle 30m --port 5432               database sessions nobody uses
  ebbgate census --watch 1s                           again every second, until Ctrl-C
  ebbgate census --json | jq '.services[] | {service, held}'`

func censusCommand() *cobra.Command {
	var o censusOptions
	c := &cobra.Command{
		Use:     "census",
		Short:   "Count connections by state, service and source, straight from the kernel",
		Long:    censusLong,
		Example: censusExample,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			look, err := o.check(c)
			if err != nil {
				return exitWith(exitUsage, err)
			}
			if o.watch > 0 {
				return watchCensus(c.Context(), c.OutOrStdout(), &o, look)
			}
			out, err := takeCensus(c.Context(), look)
			if err != nil {
				return err
			}
			if o.json {
				return writeJSON(c.OutOrStdout(), out)
			}
			return showCensus(c.OutOrStdout(), out)
		},
	}
	f := c.Flags()
	f.StringVar(&o.config, "config", "", "count by the services of the policy `FILE`")
	o.selection.add(f)
	f.StringVar(&o.group, "group", "", "count sources by prefix: IPv4 and IPv6 `LENGTHS`, like 24,64; 24; or ,48")
	f.IntVar(&o.top, "top", 10, "show `N` sources of each service, or sockets of a list")
	f.BoolVar(&o.queues, "queues", false, "list sockets whose receive, send or accept queue is not empty")
	lengthVar(f, &o.idle, "idle", 0, "list established connections without data for this `DURATION`, like 30m")
	lengthVar(f, &o.watch, "watch", 0, "count again and again, once in this `DURATION`, like 1s")
	f.BoolVarP(&o.processes, "processes", "p", false, "name the processes that listen for each service")
	f.BoolVar(&o.json, "json", false, "print JSON; with --watch one object a line")
	return c
}

// sourceText writes a single address without its prefix length, as people know it.
func sourceText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func showCensus(w io.Writer, c *counted) error {
	p := printer{w: w, width: textWidth(w)}
	c.write(&p)
	if p.err != nil {
		return exitWith(exitRuntime, fmt.Errorf("write census: %w", p.err))
	}
	return nil
}
