package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/daemon"
	"ebbgate/internal/audit"
	"ebbgate/policy"
)

// auditFlags are the flags of audit.
type auditFlags struct {
	config string
	sample time.Duration
	failOn string
	sysctl bool
	asJSON bool
	all    bool
	brief  bool
}

// failOnWords are what --fail-on takes.
const failOnWords = "unknown, advice, warning or critical"

// longestSample bounds --sample.
const longestSample = time.Minute

func auditCommand() *cobra.Command {
	var f auditFlags
	c := &cobra.Command{
		Use:   "audit",
		Short: "Examine how this host is set up to withstand connection floods",
		Long: `Examine how this host is set up to withstand connection floods: SYN cookies, backlogs and
accept queues, file descriptors, keepalive, local ports, memory, conntrack, and what others
have hooked before ebbgate. Each finding says what was found, what is advised here and why,
where to set it and how to check it. Nothing is changed. As root it sees most; what it could
not look at it names.

Exits 0 whatever it finds, unless --fail-on is given; 1 on a failure, 2 on bad usage.`,
		Example: `  ebbgate audit
  ebbgate audit --config /etc/ebbgate/config.toml --brief
  ebbgate audit --sysctl > 90-ebbgate.conf
  ebbgate audit --fail-on warning`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := refuseEmpty(c.Flags()); err != nil {
				return exitWith(exitUsage, err)
			}
			return runAudit(c.Context(), c.OutOrStdout(), &f)
		},
	}
	c.Flags().StringVar(&f.config, "config", "", "measure by the services of the policy `FILE`")
	lengthVar(c.Flags(), &f.sample, "sample", time.Second, "watch counters for this `DURATION`, up to 1m; 0: do not")
	c.Flags().StringVar(&f.failOn, "fail-on", "", "exit 1 at this `SEVERITY` or worse: "+failOnWords)
	c.Flags().BoolVar(&f.sysctl, "sysctl", false, "print a sysctl.d file with what should change, each line with its reason")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&f.all, "all", false, "list what is fine, too")
	c.Flags().BoolVar(&f.brief, "brief", false, "one line for each finding")
	c.MarkFlagsMutuallyExclusive("sysctl", "json")
	c.MarkFlagsMutuallyExclusive("sysctl", "brief")
	c.MarkFlagsMutuallyExclusive("json", "brief")
	return c
}

func runAudit(ctx context.Context, w io.Writer, f *auditFlags) error {
	failOn, p, err := f.check()
	if err != nil {
		return exitWith(exitUsage, err)
	}
	facts, err := audit.Gather(ctx, audit.Options{Sample: f.sample})
	if err != nil {
		return exitWith(exitRuntime, fmt.Errorf("examine the host: %w", err))
	}
	var services []policy.Service
	if p != nil {
		services = p.Services
	}
	report := audit.NewReport(facts, audit.Examine(facts, services), f.all)
	if err := f.write(w, report); err != nil {
		return err
	}
	if n := report.AtLeast(failOn); f.failOn != "" && n > 0 {
		return exitWith(exitRuntime, fmt.Errorf("%d %s of severity %s or worse", n, plural(n, "finding", "findings"), failOn))
	}
	return nil
}

// check reads what the flags name.
func (f *auditFlags) check() (failOn audit.Severity, p *policy.Policy, err error) {
	if f.sample < 0 || f.sample > longestSample {
		return 0, nil, fmt.Errorf("--sample %s: must be between 0 and %s", f.sample, longestSample)
	}
	if f.failOn != "" {
		if err := failOn.UnmarshalText([]byte(f.failOn)); err != nil || failOn < audit.Unknown {
			return 0, nil, fmt.Errorf("--fail-on %q: must be %s", f.failOn, failOnWords)
		}
	}
	if f.config != "" {
		p, _, err = daemon.ReadPolicy(f.config)
	}
	return failOn, p, err
}

func (f *auditFlags) write(w io.Writer, r *audit.Report) error {
	var text string
	switch {
	case f.asJSON:
		return writeJSON(w, r)
	case f.sysctl:
		text = r.Sysctls()
	default:
		text = r.Text(audit.Style{Width: textWidth(w), Colour: coloured(w), Brief: f.brief, All: f.all})
	}
	if _, err := io.WriteString(w, text); err != nil {
		return exitWith(exitRuntime, fmt.Errorf("write audit: %w", err))
	}
	return nil
}
