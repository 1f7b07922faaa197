package audit

import "fmt"

// Priorities of the first chains of ebbgate's table (enforcer).
const (
	ourPrerouting = -310
	ourInput      = -10
)

func checkHooks(x *exam) {
	if !x.ChainsKnown {
		return
	}
	before := 0
	for _, c := range x.Chains {
		if !c.beforeOurs() {
			continue
		}
		before++
		x.add(Finding{ID: idHooks, Severity: Advice, Subject: fmt.Sprintf("table %s %s, chain %s", c.Family, c.Table, c.Name),
			Found:  fmt.Sprintf("hooks %s at priority %d", c.Hook, c.Priority),
			Why:    "It sees packets before ebbgate can drop any: what its rules cost is paid for every packet of a flood, and what it drops ebbgate never counts.",
			Where:  "its owner; nothing to change if that is meant",
			Verify: fmt.Sprintf("nft list chain %s %s %s", c.Family, c.Table, c.Name), Expect: "no rule, or cheap ones only"})
	}
	if before == 0 {
		x.ok(idHooks, "nf_tables", fmt.Sprintf("%d base chains of others, none before ebbgate's", len(x.Chains)), "ebbgate sees packets first.")
	}
}

// beforeOurs reports whether the chain sees packets to this host before those of ebbgate: ingress
// is before prerouting, whatever the priority.
func (c *Chain) beforeOurs() bool {
	switch c.Family {
	case "inet", "ip", "ip6", "netdev":
	default:
		return false
	}
	switch c.Hook {
	case "ingress":
		return true
	case "prerouting":
		return c.Priority < ourPrerouting
	case "input":
		return c.Priority < ourInput
	}
	return false
}
