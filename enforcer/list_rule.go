package enforcer

import (
	"bytes"
	"fmt"
	"math/bits"
	"reflect"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// read finds the clauses a rule of ours was made of. What it returns was built by the very functions
// that build rules, and its expressions are the kernel's, one by one: so the text it is known by
// cannot say anything but what the kernel does. It reports false for a rule that is not ours.
//
// No comment is kept in the kernel to recognise a rule by. A comment can be wrong about its rule,
// and holds 256 bytes at most, which is less than some rules take.
func read(exprs []expr.Any) (Rule, bool) {
	var clauses []clause
	for len(exprs) > 0 {
		c, ok := leading(exprs)
		if !ok {
			return Rule{}, false
		}
		clauses, exprs = append(clauses, c), exprs[len(c.exprs):]
	}
	return rule(clauses...), len(clauses) > 0
}

// leading returns the clause with which a list of expressions begins.
func leading(exprs []expr.Any) (clause, bool) {
	for _, guess := range []func([]expr.Any) []clause{fixed, named, addressed, familiar} {
		for _, c := range guess(exprs) {
			if n := len(c.exprs); n > 0 && n <= len(exprs) && reflect.DeepEqual(exprs[:n], c.exprs) {
				return c, true
			}
		}
	}
	return clause{}, false
}

// fixed are the clauses that say nothing but themselves.
func fixed([]expr.Any) []clause {
	return []clause{opening(), underway(), toHost(), fromHost(), viaLo(false), viaLo(true), ctNew(), ctKnown(), ctInvalid(), ctPlain(),
		forListener(), acknowledging(), resets(), resetTCP(), drop(), accept(), back(), notrack()}
}

// named are the clauses that name one object, taken to be the one the expressions name first.
func named(exprs []expr.Any) []clause {
	for _, e := range exprs {
		switch e := e.(type) {
		case *expr.Lookup:
			list := []clause{dport(e.SetName), sport(e.SetName), leased(e.SetName)}
			for _, f := range families {
				list = append(list, f.fromEnd(e.SetName), f.toEnd(e.SetName))
			}
			return list
		case *expr.Objref:
			return []clause{counted(e.Name)}
		case *expr.Verdict:
			return []clause{jump(e.Chain)}
		case *expr.SynProxy:
			return []clause{synproxy(int(e.Mss))}
		}
	}
	return nil
}

// addressed are the clauses about a packet's address, cut to some length.
func addressed(exprs []expr.Any) []clause {
	const load = 3 // isFamily and the payload
	if len(exprs) <= load {
		return nil
	}
	proto, ok := exprs[1].(*expr.Cmp)
	if !ok {
		return nil
	}
	for _, f := range families {
		if !bytes.Equal(proto.Data, []byte{f.proto}) {
			continue
		}
		length, next := f.bits(), exprs[load]
		if m, ok := next.(*expr.Bitwise); ok && len(exprs) > load+1 {
			length, next = ones(m.Mask), exprs[load+1]
		}
		switch e := next.(type) {
		case *expr.Lookup:
			return []clause{f.from(e.SetName, length), f.to(e.SetName, length), f.missing(e.SetName, length)}
		case *expr.Dynset:
			return f.filling(e, length)
		}
	}
	return nil
}

// familiar are the clauses that name a family and no address: other clauses begin in the same way.
func familiar([]expr.Any) []clause { return []clause{families[0].only(), families[1].only()} }

// filling are the clauses that put an address into a set.
func (f family) filling(d *expr.Dynset, length int) []clause {
	if len(d.Exprs) != 1 {
		return nil
	}
	switch e := d.Exprs[0].(type) {
	case *expr.Connlimit:
		return []clause{f.over(d.SetName, length, int(e.Count))}
	case *expr.Limit:
		return []clause{f.faster(d.SetName, length, int(e.Rate))}
	case *expr.Counter:
		return []clause{f.listed(d.SetName, length)}
	}
	return nil
}

// ones counts the bits of a mask.
func ones(mask []byte) int {
	n := 0
	for _, b := range mask {
		n += bits.OnesCount8(b)
	}
	return n
}

// count puts as many rules into the table's chains as there are, without a look at them.
func (l *lister) count(r *Ruleset) error {
	return l.each(kindRule, func(f *fields) error {
		if c := findChain(r, f.text(unix.NFTA_RULE_CHAIN)); c != nil {
			c.Rules = append(c.Rules, Rule{})
		}
		return nil
	})
}

// rules reads the rules of our table into its chains.
func (l *lister) rules(r *Ruleset) error {
	return l.each(kindRule, func(f *fields) error {
		exprs, err := expressions(f[unix.NFTA_RULE_EXPRESSIONS])
		if err != nil {
			return err
		}
		found, ok := read(exprs)
		c := findChain(r, f.text(unix.NFTA_RULE_CHAIN))
		if !ok || c == nil {
			return fmt.Errorf("a rule of chain %q: %w", f.text(unix.NFTA_RULE_CHAIN), errNotOurs)
		}
		c.Rules = append(c.Rules, found)
		return nil
	})
}
