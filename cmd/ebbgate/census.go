package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/daemon"
	"ebbgate/observer"
	"ebbgate/policy"
)

// counted is the JSON form of a census.
type counted struct {
	Complete bool             `json:"complete"` // false: counts are lower bounds
	CPU      control.Duration `json:"cpu"`      // seconds of one core
	States   []countedState   `json:"states"`
	Services []countedService `json:"services"`
}

type countedState struct {
	State   string `json:"state"`
	Sockets int    `json:"sockets"`
}

type countedService struct {
	Service  string          `json:"service"` // of the policy, or "port N"
	Ports    string          `json:"ports"`
	Held     int             `json:"held"`
	HalfOpen int             `json:"half_open"`
	Sources  int             `json:"sources"`
	Top      []countedSource `json:"top"` // the heaviest, as many as --top asks for
}

type countedSource struct {
	Source   string `json:"source"`
	Held     int    `json:"held"`
	HalfOpen int    `json:"half_open"`
}

func censusCommand() *cobra.Command {
	var path string
	var top int
	var asJSON bool
	c := &cobra.Command{
		Use:   "census",
		Short: "Count connections by state, service and source, straight from the kernel",
		Long: `Count this host's TCP connections straight from the kernel; no daemon is needed. Without a
policy every port that somebody listens on is a service. Held are connections that take a
slot of the application (ESTABLISHED, CLOSE_WAIT, FIN_WAIT), never TIME_WAIT; connections
the host opened itself do not count. IPv6 addresses count by /64.`,
		Example: "  ebbgate census\n  ebbgate census --config /etc/ebbgate/config.toml --top 20",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if top < 0 {
				return exitWith(exitUsage, fmt.Errorf("--top %d: must be 0 or more", top))
			}
			out, err := takeCensus(c.Context(), path, top)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), out)
			}
			return showCensus(c.OutOrStdout(), out)
		},
	}
	c.Flags().StringVar(&path, "config", "", "count by the services of this policy")
	c.Flags().IntVar(&top, "top", 10, "how many of the heaviest sources of each service to show")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func takeCensus(ctx context.Context, path string, top int) (*counted, error) {
	survey, err := observer.TakeSurvey()
	if err != nil {
		return nil, exitWith(exitRuntime, err)
	}
	p := everyPort(survey.Ports)
	if path != "" {
		if p, _, err = daemon.ReadPolicy(path); err != nil {
			return nil, exitWith(exitUsage, err)
		}
	}
	o, err := observer.Open(slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, exitWith(exitRuntime, err)
	}
	defer o.Close()
	o.SetPolicy(p)
	census, err := o.Census(ctx)
	if !census.Taken {
		return nil, exitWith(exitRuntime, err)
	}
	out := &counted{Complete: census.Complete, CPU: control.Duration(census.CPU), States: []countedState{}, Services: []countedService{}}
	for _, s := range survey.States {
		out.States = append(out.States, countedState(s))
	}
	for i := range census.Services {
		c := &census.Services[i]
		out.Services = append(out.Services, countService(p.Service(c.Service), c, top))
	}
	slices.SortStableFunc(out.Services, func(a, b countedService) int { return b.Held - a.Held })
	return out, nil
}

// everyPort is a policy with a service for each port.
func everyPort(ports []uint16) *policy.Policy {
	p := &policy.Policy{Observe: policy.Observe{MaxSources: policy.DefaultMaxSources, IPv6Source: policy.DefaultIPv6Source}}
	for _, port := range ports {
		p.Services = append(p.Services, policy.Service{Name: "port " + strconv.Itoa(int(port)), Ports: []policy.PortRange{{First: port, Last: port}}})
	}
	return p
}

func countService(svc *policy.Service, c *policy.ServiceCensus, top int) countedService {
	out := countedService{Service: c.Service, Ports: control.PortsText(svc.Ports), Held: c.Held, HalfOpen: c.HalfOpen,
		Sources: len(c.Sources) + c.Rest.Sources, Top: []countedSource{}}
	heaviest := slices.Clone(c.Sources)
	slices.SortStableFunc(heaviest, func(a, b policy.SourceCensus) int { return b.Held - a.Held })
	for _, s := range heaviest[:min(top, len(heaviest))] {
		out.Top = append(out.Top, countedSource{sourceText(s), s.Held, s.HalfOpen})
	}
	return out
}

// sourceText writes a single address without its prefix length, as people know it.
func sourceText(s policy.SourceCensus) string {
	if s.Source.IsSingleIP() {
		return s.Source.Addr().String()
	}
	return s.Source.String()
}

func showCensus(w io.Writer, c *counted) error {
	var errs []error
	line := func(format string, args ...any) {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		errs = append(errs, err)
	}
	line("%-14s %10s", "STATE", "SOCKETS")
	for _, s := range c.States {
		line("%-14s %10d", s.State, s.Sockets)
	}
	line("")
	line("%-16s %-24s %10s %10s %10s", "SERVICE", "PORTS", "HELD", "HALF-OPEN", "SOURCES")
	for _, s := range c.Services {
		line("%-16s %-24s %10d %10d %10d", s.Service, s.Ports, s.Held, s.HalfOpen, s.Sources)
		for _, t := range s.Top {
			line("  %-39s %10d %10d", t.Source, t.Held, t.HalfOpen)
		}
	}
	if !c.Complete {
		line("\nThe count is not complete: it shows lower bounds.")
	}
	if err := errors.Join(errs...); err != nil {
		return exitWith(exitRuntime, fmt.Errorf("write census: %w", err))
	}
	return nil
}
