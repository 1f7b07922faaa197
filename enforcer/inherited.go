package enforcer

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/google/nftables/expr"

	"ebbgate/policy"
)

// Inherited returns the blocks that a ruleset has in force, as a listed table tells them: those of an
// earlier run, which are to be kept until their ends. They come by service and source, each with the
// latest end found. Blocks that only count, in shadow mode, are none, and neither are those of prefixes in
// which anything was exempt: by whose word is not known, and the operator's is forgotten by now.
func Inherited(r *Ruleset) []policy.Inherited {
	var out []policy.Inherited
	for i := range r.Chains {
		c := &r.Chains[i]
		service, suffix := owner(c.Name)
		if service == "" || suffix != "block" {
			continue
		}
		for j := range c.Rules {
			out = append(out, inheritedBy(r, service, &c.Rules[j])...)
		}
	}
	out = slices.DeleteFunc(out, func(b policy.Inherited) bool {
		return touches(r, "exempt", b.Source) || touches(r, b.Service+"_exempt", b.Source)
	})
	slices.SortFunc(out, func(a, b policy.Inherited) int {
		if c := strings.Compare(a.Service, b.Service); c != 0 {
			return c
		}
		return policy.ComparePrefix(a.Source, b.Source)
	})
	return slices.CompactFunc(out, func(a, b policy.Inherited) bool { return a.Service == b.Service && a.Source == b.Source })
}

// inheritedBy returns the blocks one rule of a block chain makes: the one that leads whatever comes from a
// set of sources to a chain that drops it. The length of the sources is that of the key the rule looks up.
func inheritedBy(r *Ruleset, service string, rule *Rule) []policy.Inherited {
	last := rule.verdict()
	if last == nil || last.Kind != expr.VerdictJump {
		return nil
	}
	if hit := findChain(r, last.Chain).rules(); len(hit) == 0 || !hit[len(hit)-1].drops() {
		return nil
	}
	for i, e := range rule.exprs {
		look, ok := e.(*expr.Lookup)
		if !ok {
			continue
		}
		byHand := strings.HasPrefix(look.SetName, service+"_"+handSet)
		if !byHand && !strings.HasPrefix(look.SetName, service+"_block") {
			continue
		}
		s, bits := findSet(r, look.SetName), keyBits(rule.exprs[:i])
		if s == nil || !s.Timeout || s.Map {
			return nil
		}
		out := make([]policy.Inherited, 0, len(s.Elements))
		for _, el := range s.Elements {
			if source := netip.PrefixFrom(el.Key.addr(), bits); source.IsValid() {
				out = append(out, policy.Inherited{Service: service, Source: source, Until: el.Until, ByHand: byHand})
			}
		}
		return out
	}
	return nil
}

// verdict returns how the rule ends, or nil where it ends in none.
func (r *Rule) verdict() *expr.Verdict {
	last, _ := r.exprs[len(r.exprs)-1].(*expr.Verdict)
	return last
}

// drops reports whether the rule ends in a drop.
func (r *Rule) drops() bool { return r.verdict() != nil && r.verdict().Kind == expr.VerdictDrop }

// touches reports whether a prefix has an address in common with the sets of ranges of that name.
func touches(r *Ruleset, name string, p netip.Prefix) bool {
	for _, f := range families {
		s := findSet(r, name+f.suffix)
		if s == nil || !f.of(p.Addr()) {
			continue
		}
		// The ranges are sorted and none overlaps another: only the last that begins within p, or before, can
		// reach into it. There may be 10,000, and it is asked of 100,000 blocks.
		at, found := slices.BinarySearchFunc(s.Elements, addrKey(lastAddr(p)), func(e Element, k Key) int { return compareKeys(e.Key, k) })
		if !found {
			at--
		}
		return at >= 0 && compareKeys(addrKey(p.Masked().Addr()), s.Elements[at].End) <= 0
	}
	return false
}
