package report

import (
	"fmt"
	"strings"

	"ebbgate/control"
	"ebbgate/internal/escape"
)

// acted is the line of the policy an attack was recognised by.
type acted struct{ Rule, Measured, Threshold string }

func actedBy(a *control.Attack) *acted {
	if a.Rule == "" {
		return nil
	}
	return &acted{text(a.Rule), control.Number(a.Measured), control.Number(a.Threshold)}
}

// section is what the policy said of the service when the attack began, as its file says it.
func section(a *control.Attack) (toml, nature string) {
	p := a.Policy
	if p == nil {
		return "", "What the policy said of the service at that time was not kept."
	}
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("[[service]]\nname     = %s\nmode     = %q", escape.TOML(a.Service), a.Mode)
	if p.Capacity > 0 {
		say("capacity = %d", p.Capacity)
	}
	say("\n  [service.connections]")
	if p.PerSource > 0 {
		say("  per_source   = %d", p.PerSource)
	}
	if len(p.PerPrefix) > 0 {
		var limits []string
		for _, x := range p.PerPrefix {
			family, bits := "ipv4", x.IPv4
			if x.IPv6 > 0 {
				family, bits = "ipv6", x.IPv6
			}
			limits = append(limits, fmt.Sprintf("{ %s = %d, limit = %d }", family, bits, x.Limit))
		}
		say("  per_prefix   = [%s]", strings.Join(limits, ", "))
	}
	say("  close_excess = %t", p.CloseExcess)
	if p.NewPerSource > 0 || p.SYNPerSource > 0 {
		say("\n  [service.rate]")
	}
	if p.NewPerSource > 0 {
		say("  new_per_source = \"%d/s\"", p.NewPerSource)
	}
	if p.SYNPerSource > 0 {
		say("  syn_per_source = \"%d/s\"", p.SYNPerSource)
	}
	say("\n  [service.response]\n  lease       = %q\n  quiet       = %q\n  block_after = %q", p.Lease, p.Quiet, p.BlockAfter)
	if p.BlockAfter > 0 {
		say("  block_for   = [%s]", steps(p.BlockFor))
	}
	return b.String(), "The service in the policy when the attack began, with the defaults filled in. Overrides and exemptions are not shown."
}

func steps(list []control.Duration) string {
	var out []string
	for _, d := range list {
		out = append(out, fmt.Sprintf("%q", d.String()))
	}
	return strings.Join(out, ", ")
}
