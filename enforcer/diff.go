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
// Where the kernel cannot change an object in place (a set's definition, a base chain's hook), or
// where it is not known what is there, the table is replaced as a whole in the same transaction.
func Diff(have Have, want Ruleset, now policy.Instant) Plan {
	d := differ{now: now}
	switch {
	case !have.Known || have.Present && (want.Empty() || redefined(&have.Ruleset, &want)):
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
	d.objects(&have.Ruleset, &after)
	return Plan{Ops: d.ops, After: after, at: now}
}

// redefined reports whether an object changes in a way that needs the table to be replaced.
func redefined(have, want *Ruleset) bool {
	for i := range want.Sets {
		if s := findSet(have, want.Sets[i].Name); s != nil && !s.same(&want.Sets[i]) {
			return true
		}
	}
	for i := range want.Chains {
		c := findChain(have, want.Chains[i].Name)
		if c != nil && (c.Hook != want.Chains[i].Hook || c.Priority != want.Chains[i].Priority) {
			return true
		}
	}
	return false
}

type differ struct {
	now policy.Instant
	ops []Op
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
		if old != nil {
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
