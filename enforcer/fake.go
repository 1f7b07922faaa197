package enforcer

import (
	"fmt"
	"slices"

	"ebbgate/policy"
)

// Fake applies plans to a ruleset in memory, and refuses what the kernel would refuse: adding
// what exists or overlaps, deleting what does not, and removing what is still referred to. Timed elements
// vanish when Now passes their end.
type Fake struct {
	Now     policy.Instant
	Present bool
	Ruleset Ruleset
}

// Apply performs a plan, all of it or nothing.
func (f *Fake) Apply(p Plan) error {
	next := Fake{Now: f.Now, Present: f.Present, Ruleset: f.Ruleset.clone()}
	for i := range next.Ruleset.Sets {
		s := &next.Ruleset.Sets[i]
		s.Elements = slices.DeleteFunc(s.Elements, func(e Element) bool { return e.Until != 0 && e.Until <= f.Now })
	}
	for i := range p.Ops {
		if err := next.op(&p.Ops[i]); err != nil {
			return fmt.Errorf("%s: %w", p.Ops[i].text(f.Now), err)
		}
	}
	if err := next.check(); err != nil {
		return err
	}
	next.Ruleset.sort()
	*f = next
	return nil
}

func (f *Fake) op(o *Op) error {
	if o.Object == ObjectTable {
		if (o.Verb == Add) == f.Present {
			return fmt.Errorf("table is there: %t", f.Present)
		}
		f.Present, f.Ruleset = o.Verb == Add, Ruleset{}
		return nil
	}
	if !f.Present {
		return fmt.Errorf("no table")
	}
	switch o.Object {
	case ObjectCounter:
		return edit(&f.Ruleset.Counters, o.Verb, o.Counter, func(c string) bool { return c == o.Counter })
	case ObjectSet:
		s := o.Set
		s.Elements = nil
		if o.Verb == Delete && f.needed(s.Name) {
			return fmt.Errorf("a rule refers to it")
		}
		return edit(&f.Ruleset.Sets, o.Verb, s, func(x Set) bool { return x.Name == s.Name })
	case ObjectElements:
		return f.elements(o)
	case ObjectRule, ObjectChain:
		return f.chain(o)
	}
	return fmt.Errorf("unknown object %d", o.Object)
}

func (f *Fake) chain(o *Op) error {
	c := findChain(&f.Ruleset, o.Chain.Name)
	switch {
	case o.Object == ObjectChain && o.Verb == Flush && c != nil:
		c.Rules = nil
	case o.Object == ObjectRule && c != nil:
		for _, name := range o.Rule.refersTo() {
			if !f.has(name) {
				return fmt.Errorf("there is no %s yet", name)
			}
		}
		c.Rules = append(c.Rules, o.Rule)
	case o.Object == ObjectRule || o.Verb == Flush:
		return fmt.Errorf("no such chain")
	default:
		n := o.Chain
		n.Rules = nil
		if o.Verb == Delete && (f.needed(n.Name) || len(c.rules()) > 0) {
			return fmt.Errorf("it has rules, or a rule leads to it")
		}
		return edit(&f.Ruleset.Chains, o.Verb, n, func(x Chain) bool { return x.Name == n.Name })
	}
	return nil
}

// rules returns the rules of a chain that may not be there.
func (c *Chain) rules() []Rule {
	if c == nil {
		return nil
	}
	return c.Rules
}

// needed reports whether a rule refers to a set or chain.
func (f *Fake) needed(name string) bool {
	return slices.ContainsFunc(f.Ruleset.Chains, func(c Chain) bool {
		return slices.ContainsFunc(c.Rules, func(r Rule) bool { return slices.Contains(r.refersTo(), name) })
	})
}

func (f *Fake) elements(o *Op) error {
	s := findSet(&f.Ruleset, o.Set.Name)
	if s == nil {
		return fmt.Errorf("no such set")
	}
	for _, e := range o.Elements {
		if o.Verb == Add && e.Chain != "" && findChain(&f.Ruleset, e.Chain) == nil {
			return fmt.Errorf("there is no chain %s yet", e.Chain)
		}
		is := func(x Element) bool { return x.Key == e.Key }
		if s.Interval && o.Verb == Add {
			is = func(x Element) bool { return compareKeys(x.Key, e.End) <= 0 && compareKeys(e.Key, x.End) <= 0 }
		}
		verb := o.Verb
		if verb == Destroy {
			if !slices.ContainsFunc(s.Elements, is) {
				continue
			}
			verb = Delete
		}
		if err := edit(&s.Elements, verb, e, is); err != nil {
			return fmt.Errorf("element %s: %w", s.Key.text(e.Key), err)
		}
	}
	return nil
}

// edit adds one thing to a list or deletes it.
func edit[T any](list *[]T, v Verb, x T, is func(T) bool) error {
	i := slices.IndexFunc(*list, is)
	switch {
	case v == Add && i >= 0:
		return fmt.Errorf("exists")
	case v == Delete && i < 0:
		return fmt.Errorf("does not exist")
	case v == Add:
		*list = append(*list, x)
	default:
		*list = slices.Delete(*list, i, i+1)
	}
	return nil
}

// has reports whether a set, chain or counter is there.
func (f *Fake) has(name string) bool {
	return findSet(&f.Ruleset, name) != nil || findChain(&f.Ruleset, name) != nil || slices.Contains(f.Ruleset.Counters, name)
}

// check finds rules and elements which refer to what is not there.
func (f *Fake) check() error {
	for i := range f.Ruleset.Sets {
		for _, e := range f.Ruleset.Sets[i].Elements {
			if e.Chain != "" && findChain(&f.Ruleset, e.Chain) == nil {
				return fmt.Errorf("set %s leads to chain %s, which is not there", f.Ruleset.Sets[i].Name, e.Chain)
			}
		}
	}
	for _, c := range f.Ruleset.Chains {
		for _, r := range c.Rules {
			for _, name := range r.refersTo() {
				if !f.has(name) {
					return fmt.Errorf("chain %s refers to %s, which is not there: %s", c.Name, name, r.Text)
				}
			}
		}
	}
	return nil
}
