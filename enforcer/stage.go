package enforcer

import (
	"slices"
	"strings"
)

// stages cuts a plan into the transactions it is sent as: one, but where connections begin to be counted
// and all others to be left untracked. The kernel switches conntrack on when it reads a rule that needs it,
// and puts chains into the packets' way at the very end of a transaction. In one transaction conntrack
// would see some milliseconds of everything, and remember of a flood what came by. So the rules that
// need it follow when those that keep it away are in force.
func (p *Plan) stages() []Plan {
	adds := func(o *Op, of func(chain string) bool) bool { return o.Object == ObjectRule && of(o.Chain.Name) }
	guards := func(chain string) bool { return chain == "track" || chain == "reply" }
	if !slices.ContainsFunc(p.Ops, func(o Op) bool { return adds(&o, guards) }) {
		return []Plan{*p}
	}
	first, second := Plan{After: p.After, at: p.at}, Plan{After: p.After, at: p.at}
	for i := range p.Ops {
		if o := &p.Ops[i]; adds(o, holds) {
			second.Ops = append(second.Ops, *o)
		} else {
			first.Ops = append(first.Ops, *o)
		}
	}
	if second.Empty() {
		return []Plan{*p}
	}
	return []Plan{first, second}
}

// holds reports whether a chain's rules need conntrack to count connections.
func holds(chain string) bool { return chain == "hold" || strings.HasSuffix(chain, "_hold") }
