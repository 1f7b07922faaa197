package enforcer

import (
	"fmt"
	"strings"

	"github.com/google/nftables/expr"
)

// describe says of the sets that rules fill what the kernel does not tell of a set but of its rules:
// what they count, up to which limit, and of what length their keys are.
func describe(r *Ruleset, filled map[string]bool) error {
	for i := range r.Chains {
		for j := range r.Chains[i].Rules {
			exprs := r.Chains[i].Rules[j].exprs
			for k := range exprs {
				d, ok := exprs[k].(*expr.Dynset)
				if !ok || len(d.Exprs) != 1 {
					continue
				}
				s := findSet(r, d.SetName)
				if s == nil || !filled[s.Name] {
					return errNotOurs
				}
				s.Bits = keyBits(exprs[:k])
				switch e := d.Exprs[0].(type) {
				case *expr.Connlimit:
					service, _ := owner(s.Name)
					s.Limit, s.Scope = int(e.Count), scope(r, service)
				case *expr.Limit:
					s.Scope = fmt.Sprint(e.Rate)
				}
			}
		}
	}
	for i := range r.Sets {
		s := &r.Sets[i]
		service, suffix := owner(s.Name)
		if f, ok := strings.CutPrefix(suffix, "over"); ok && s.Life > 0 {
			// The list of those over a rate has no rate in its own rules.
			if rates := findSet(r, service+"_rate"+f); rates != nil {
				s.Scope = rates.Scope
			}
		}
		if filled[s.Name] && s.Bits == 0 && !s.marks() { // no rule of ours fills it
			return errNotOurs
		}
	}
	return nil
}

// marks reports whether the set is one that Table.Mark fills.
func (s *Set) marks() bool { return s.Key == IPv4End || s.Key == IPv6End }

// owner splits the name of one of a service's objects. The table's own objects are nobody's.
func owner(name string) (service, suffix string) {
	if i := strings.LastIndexByte(name, '_'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

// keyBits returns how much of an address the last of some expressions leave in the register.
func keyBits(exprs []expr.Any) int {
	if n := len(exprs); n > 0 {
		switch e := exprs[n-1].(type) {
		case *expr.Bitwise:
			return ones(e.Mask)
		case *expr.Payload:
			return int(e.Len) * 8
		}
	}
	return 0
}
