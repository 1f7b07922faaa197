package enforcer

import (
	"slices"
	"time"

	"ebbgate/policy"
)

// The kernel drops an element by itself at its time, give or take its clock tick and the time a
// transaction takes. Nothing is done with an element from expiryBefore its end until
// expiryAfter: deleting one that is gone already would fail the whole transaction.
const (
	expiryBefore = 500 * time.Millisecond
	expiryAfter  = 50 * time.Millisecond
)

// Have is what we know of our table in the kernel.
type Have struct {
	Known   bool    // false: a transaction failed, or an earlier run may have left a table
	Present bool    // the table exists
	Ruleset Ruleset // what it holds, if Known
}

// Diff returns the transaction that turns what is there into what is wanted. It is pure. Leases
// are renewed once a third of them has passed, not at each new piece of evidence.
//
// What the kernel cannot change in place (a set's definition, a base chain's hook) is deleted and made
// anew in the same transaction, with the rules that refer to it; the rest of the table, its elements and
// its counters stay. Where it is not known what is there the table is replaced as a whole.
func Diff(have Have, want Ruleset, now policy.Instant) Plan {
	d := differ{now: now}
	switch {
	case !have.Known || have.Present && want.Empty():
		if have.Present {
			d.add(Op{Verb: Delete, Object: ObjectTable})
		}
		have.Ruleset = Ruleset{}
		fallthrough
	case !have.Present:
		if !want.Empty() {
			d.add(Op{Verb: Add, Object: ObjectTable})
		}
	}
	after := want
	left := d.redefined(have.Ruleset, &after)
	d.objects(&left, &after)
	return Plan{Ops: d.ops, After: after, Again: d.again, at: now}
}

// redefined deletes what cannot become what is wanted, and the rules of all chains that refer to it. It
// returns what that leaves.
func (d *differ) redefined(have Ruleset, want *Ruleset) Ruleset {
	gone := make(map[string]bool)
	for i := range have.Sets {
		if s := findSet(want, have.Sets[i].Name); s != nil && !s.same(&have.Sets[i]) {
			gone[s.Name] = true
		}
	}
	for i := range have.Chains {
		old := &have.Chains[i]
		if c := findChain(want, old.Name); c != nil && (c.Hook != old.Hook || c.Priority != old.Priority) {
			gone[c.Name] = true
		}
	}
	if len(gone) == 0 {
		return have
	}
	left := Ruleset{Counters: have.Counters}
	for _, c := range have.Chains {
		if gone[c.Name] || slices.ContainsFunc(c.Rules, func(r Rule) bool { return r.refersToAny(gone) }) {
			d.add(Op{Verb: Flush, Object: ObjectChain, Chain: c})
			c.Rules = nil
		}
		if !gone[c.Name] {
			left.Chains = append(left.Chains, c)
		}
	}
	for _, s := range have.Sets {
		if gone[s.Name] {
			d.add(Op{Verb: Delete, Object: ObjectSet, Set: s})
			continue
		}
		left.Sets = append(left.Sets, s)
	}
	for _, c := range have.Chains {
		if gone[c.Name] {
			d.add(Op{Verb: Delete, Object: ObjectChain, Chain: c})
		}
	}
	return left
}

type differ struct {
	now   policy.Instant
	ops   []Op
	again policy.Instant
}

func (d *differ) add(op Op) { d.ops = append(d.ops, op) }

// objects orders the operations by what refers to what: rules refer to sets, chains and counters,
// elements of verdict maps refer to chains. What is referred to is made first and removed last.
// It replaces the elements of after by those the kernel will have.
func (d *differ) objects(have, after *Ruleset) {
	for _, c := range after.Counters {
		if !slices.Contains(have.Counters, c) {
			d.add(Op{Verb: Add, Object: ObjectCounter, Counter: c})
		}
	}
	for _, c := range after.Chains {
		if findChain(have, c.Name) == nil {
			d.add(Op{Verb: Add, Object: ObjectChain, Chain: c})
		}
	}
	sets := make([]Set, len(after.Sets))
	for i, want := range after.Sets {
		var old []Element
		if s := findSet(have, want.Name); s != nil {
			old = s.Elements
		} else {
			d.add(Op{Verb: Add, Object: ObjectSet, Set: want})
		}
		want.Elements = d.elements(want, old)
		sets[i] = want
	}
	d.uncount(have, after)
	after.Sets = sets
	d.rules(have, after)
	for _, s := range have.Sets {
		if findSet(after, s.Name) == nil {
			d.add(Op{Verb: Delete, Object: ObjectSet, Set: s})
		}
	}
	for _, c := range have.Chains {
		if findChain(after, c.Name) == nil {
			d.add(Op{Verb: Delete, Object: ObjectChain, Chain: c})
		}
	}
	for _, c := range have.Counters {
		if !slices.Contains(after.Counters, c) {
			d.add(Op{Verb: Delete, Object: ObjectCounter, Counter: c})
		}
	}
}

// uncount forgets what the kernel counted for sources that are no longer watched. Untracked, their
// connections end unseen, and would count if the source came back. Where the kernel cannot destroy an
// element that may not be there (before Linux 6.3) they do.
func (d *differ) uncount(have, want *Ruleset) {
	for i := range want.Sets {
		conn := &want.Sets[i]
		if conn.Limit == 0 || findSet(have, conn.Name) == nil {
			continue
		}
		watch := watchOf(conn.Name)
		before, now := findSet(have, watch), findSet(want, watch)
		if before == nil || now == nil {
			continue
		}
		var left []Element
		rest := now.Elements
		for _, e := range before.Elements {
			for len(rest) > 0 && compareKeys(rest[0].Key, e.Key) < 0 {
				rest = rest[1:]
			}
			if len(rest) == 0 || rest[0].Key != e.Key {
				left = append(left, Element{Key: e.Key})
			}
		}
		if len(left) > 0 {
			d.add(Op{Verb: Destroy, Object: ObjectElements, Set: *conn, Elements: left})
		}
	}
}

// rules replaces the rules of every chain whose text changed, and empties chains that go.
func (d *differ) rules(have, after *Ruleset) {
	for _, c := range have.Chains {
		if findChain(after, c.Name) == nil {
			d.add(Op{Verb: Flush, Object: ObjectChain, Chain: c})
		}
	}
	for _, c := range after.Chains {
		old := findChain(have, c.Name)
		if old != nil && sameRules(old.Rules, c.Rules) {
			continue
		}
		if old != nil && len(old.Rules) > 0 {
			d.add(Op{Verb: Flush, Object: ObjectChain, Chain: c})
		}
		for _, r := range c.Rules {
			d.add(Op{Verb: Add, Object: ObjectRule, Chain: c, Rule: r})
		}
	}
}

func sameRules(a, b []Rule) bool {
	return slices.EqualFunc(a, b, func(x, y Rule) bool { return x.Text == y.Text })
}

func findSet(r *Ruleset, name string) *Set {
	for i := range r.Sets {
		if r.Sets[i].Name == name {
			return &r.Sets[i]
		}
	}
	return nil
}

func findChain(r *Ruleset, name string) *Chain {
	for i := range r.Chains {
		if r.Chains[i].Name == name {
			return &r.Chains[i]
		}
	}
	return nil
}
