package enforcer

import (
	"slices"

	"ebbgate/policy"
)

// Compiler compiles decisions that follow one another. It remembers where the blocks of the last one
// went, of which there may be a million while hardly any of them changes. The zero value is ready; it is
// not safe for concurrent use.
type Compiler struct {
	placed map[string]placed
}

// placed is where one service's blocks went, and what that followed from.
type placed struct {
	policy     *policy.Policy
	blocks     []policy.Block // these very ones
	everywhere coverage
	exempt     coverage
	sets       [][]Element
	hand       []sourceSet
	used       bool // by the compilation under way
}

// Compile is the function Compile with a memory: the same decision gives the same ruleset. Elements of
// sets of blocks may be shared with earlier rulesets, and must not be written to.
func (m *Compiler) Compile(p *policy.Policy, d *policy.Decision, env Environment) Ruleset {
	if m.placed == nil {
		m.placed = make(map[string]placed)
	}
	for name, was := range m.placed {
		was.used = false
		m.placed[name] = was
	}
	r := compile(p, d, env, m)
	for name, was := range m.placed {
		if !was.used {
			delete(m.placed, name)
		}
	}
	return r
}

// placeBlocks puts a service's blocks into the sets of their family and length, and returns the sets of those
// that the operator ordered.
func (c *compiler) placeBlocks(pt *part, sets []sourceSet) []sourceSet {
	if hand, ok := c.recall(pt, sets); ok {
		return hand
	}
	hand := c.handSets(pt)
	pt.place(sets, pt.blocked(false))
	pt.place(hand, pt.blocked(true))
	// Sorted here, so that nobody has to write to them later.
	for _, list := range [][]sourceSet{sets, hand} {
		for i := range list {
			slices.SortFunc(list[i].set.Elements, func(a, b Element) int { return compareKeys(a.Key, b.Key) })
		}
	}
	if c.memory == nil {
		return hand
	}
	now := placed{policy: c.policy, blocks: pt.blocks, everywhere: c.everywhere, exempt: pt.exempt, hand: hand, used: true}
	for i := range sets {
		now.sets = append(now.sets, sets[i].set.Elements)
	}
	c.memory.placed[pt.svc.Name] = now
	return hand
}

// recall fills the sets as the last time, if nothing changed since.
func (c *compiler) recall(pt *part, sets []sourceSet) ([]sourceSet, bool) {
	if c.memory == nil {
		return nil, false
	}
	was, ok := c.memory.placed[pt.svc.Name]
	if !ok || was.policy != c.policy || !identical(was.blocks, pt.blocks) ||
		!was.everywhere.equal(&c.everywhere) || !was.exempt.equal(&pt.exempt) {
		return nil, false
	}
	for i := range sets {
		sets[i].set.Elements = was.sets[i]
	}
	was.used = true
	c.memory.placed[pt.svc.Name] = was
	return was.hand, true
}
