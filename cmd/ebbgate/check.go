package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/daemon"
	"ebbgate/policy"
)

// checked is the JSON form of what check found.
type checked struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Services []checkedService `json:"services,omitempty"`
	Warnings []string         `json:"warnings,omitempty"`
	Problems []checkedProblem `json:"problems,omitempty"`
}

type checkedService struct {
	Name      string      `json:"name"`
	Mode      policy.Mode `json:"mode"`
	Ports     string      `json:"ports"`
	PerSource int         `json:"per_source"` // 0: no limit
}

type checkedProblem struct {
	Line int    `json:"line"`
	Key  string `json:"key"`
	Text string `json:"text"`
}

func checkCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Validate a policy file, without privilege and without a daemon",
		Long: `Validate a policy file. Prints a summary and what is worth a warning, or every problem
as FILE:LINE: key: what is wrong, what is allowed. Exits 2 on a problem.`,
		Example: "  ebbgate check /etc/ebbgate/config.toml",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return check(c.OutOrStdout(), args[0], asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func check(w io.Writer, path string, asJSON bool) error {
	p, _, err := daemon.ReadPolicy(path)
	var problems policy.Problems
	switch {
	case errors.As(err, &problems) && asJSON:
		out := checked{File: path}
		for _, x := range problems {
			out.Problems = append(out.Problems, checkedProblem{Line: x.Line, Key: x.Key, Text: x.Text})
		}
		return errors.Join(writeJSON(w, out), exitWith(exitUsage, errors.New("")))
	case err != nil && asJSON:
		out := checked{File: path, Problems: []checkedProblem{{Text: err.Error()}}}
		return errors.Join(writeJSON(w, out), exitWith(exitUsage, errors.New("")))
	case err != nil:
		return exitWith(exitUsage, err)
	}
	warnings := append(p.Warnings(), portWarnings(p, localPortRange())...)
	if asJSON {
		out := checked{File: path, OK: true, Warnings: warnings}
		for _, s := range p.Services {
			out.Services = append(out.Services, checkedService{s.Name, s.Mode, control.PortsText(s.Ports), s.Connections.PerSource})
		}
		return writeJSON(w, out)
	}
	fmt.Fprintf(w, "%s: good, %d %s\n", path, len(p.Services), plural(len(p.Services), "service", "services"))
	for _, s := range p.Services {
		fmt.Fprintf(w, "  %-16s %-8s ports %-24s %s\n", s.Name, s.Mode, control.PortsText(s.Ports), limitText(&s))
	}
	for _, warning := range warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
	return nil
}

func limitText(s *policy.Service) string {
	if s.Connections.PerSource == 0 {
		return "no limit"
	}
	return fmt.Sprintf("at most %d connections a source", s.Connections.PerSource)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// localPortRange returns the ports from which the host's own connections start
// (net.ipv4.ip_local_port_range), or the zero range where it cannot be read.
func localPortRange() policy.PortRange {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return policy.PortRange{}
	}
	fields := strings.Fields(string(b))
	if len(fields) != 2 {
		return policy.PortRange{}
	}
	first, err1 := strconv.ParseUint(fields[0], 10, 16)
	last, err2 := strconv.ParseUint(fields[1], 10, 16)
	if err1 != nil || err2 != nil {
		return policy.PortRange{}
	}
	return policy.PortRange{First: uint16(first), Last: uint16(last)}
}

// portWarnings names services whose ports the host may use for connections of its own.
func portWarnings(p *policy.Policy, local policy.PortRange) []string {
	if local.First == 0 {
		return nil
	}
	var out []string
	for _, s := range p.Services {
		for _, r := range s.Ports {
			if r.First <= local.Last && local.First <= r.Last {
				out = append(out, fmt.Sprintf("service %q: ports %s lie in the range from which this host opens its own connections "+
					"(net.ipv4.ip_local_port_range %d-%d); reserve them with net.ipv4.ip_local_reserved_ports",
					s.Name, control.PortsText([]policy.PortRange{r}), local.First, local.Last))
				break
			}
		}
	}
	return out
}
