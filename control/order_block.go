package control

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ebbgate/policy"
)

// Blocking is the task to block a target. Its outcome is a Blocked.
type Blocking struct {
	Target
	For    time.Duration // above 0
	Reason string
}

func (Blocking) task() {}

// Check wants a service of the policy, in enforce mode, a target that is not exempt as a whole, nobody to be
// locked out, and room for one more block of each service.
func (x Blocking) Check(p *policy.Policy, d *policy.Decision) *Error {
	if refusal := x.check(p); refusal != nil {
		return refusal
	}
	p = p.Acting(d.Modes)
	if refusal := x.shadowed(p); refusal != nil {
		return refusal
	}
	if refusal := x.spared(p, d); refusal != nil {
		return refusal
	}
	need := 0
	for i := range p.Services {
		if svc := &p.Services[i]; svc.Mode == policy.Enforce && x.at(svc.Name) {
			if _, known := blockOf(d.Blocks, svc.Name, &x.Target); !known {
				need++
			}
		}
	}
	if need > 0 && len(d.Blocks)+need > p.Limits.MaxBlocks {
		return &Error{Kind: KindFull, Message: fmt.Sprintf("%s blocks are in force, and limits.max_blocks of the policy is %s: end some "+
			"(ebbgate unblock), or raise that", Number(len(d.Blocks)), Number(p.Limits.MaxBlocks))}
	}
	return nil
}

// Input returns the block, from now on.
func (x Blocking) Input(now policy.Instant) policy.Order {
	return policy.Order{Kind: policy.OrderBlock, Block: policy.HandBlock{Source: x.Prefix, Service: x.Service, Until: now.Add(x.For), Note: x.Reason}}
}

// Outcome returns the blocks that are in force.
func (x Blocking) Outcome(p *policy.Policy, before, after *policy.Decision, c Calendar) (any, *Error) {
	p = p.Acting(after.Modes)
	out := Blocked{Prefix: x.Prefix, Blocks: []BlockOfService{}, Still: []string{}}
	for i := range p.Services {
		svc := &p.Services[i]
		if !x.at(svc.Name) || svc.Mode != policy.Enforce {
			continue
		}
		if b, inForce := blockOf(after.Blocks, svc.Name, &x.Target); inForce && b.ByHand() && b.Since == after.At {
			out.Blocks = append(out.Blocks, BlockOfService{svc.Name, BlockOf(b, c)})
			if was, had := blockOf(before.Blocks, svc.Name, &x.Target); had && was.Until > b.Until {
				out.Still = append(out.Still, fmt.Sprintf("it replaces a block at service %q that had %s left", Escape(svc.Name), Length(c.Left(was.Until).std())))
			}
		} else if !policy.Covers(policy.ExemptOf(p, svc, after), x.Prefix) {
			out.Still = append(out.Still, fmt.Sprintf("it is NOT blocked at service %q: there is no room for another block; limits.max_blocks of the policy is %s, "+
				"and as many are in force", Escape(svc.Name), Number(p.Limits.MaxBlocks)))
		}
	}
	slices.SortFunc(out.Blocks, func(a, b BlockOfService) int { return cmp.Compare(a.Service, b.Service) })
	if out.Total = len(out.Blocks); out.Total == 0 {
		return nil, &Error{Kind: KindFull, Message: fmt.Sprintf("there is no room for another block: limits.max_blocks of the policy is %s, "+
			"and as many are in force: end some (ebbgate unblock), or raise that", Number(p.Limits.MaxBlocks))}
	}
	out.Still = append(out.Still, x.still(p, after)...)
	out.Still = out.Still[:min(len(out.Still), MaxStill)]
	return out, nil
}

// Unblocking is the task to end what blocks or limits a target. Its outcome is a Blocked.
type Unblocking struct{ Target }

func (Unblocking) task() {}

// Check wants the service to be one of the policy's, and something to end.
func (x Unblocking) Check(p *policy.Policy, d *policy.Decision) *Error {
	if refusal := x.check(p); refusal != nil {
		return refusal
	}
	if blocks, limits := x.held(d); len(blocks)+limits == 0 {
		return &Error{Kind: KindNotFound, Message: x.nothingToFree(p, d)}
	}
	return nil
}

// Input returns the end of the blocks.
func (x Unblocking) Input(policy.Instant) policy.Order {
	return policy.Order{Kind: policy.OrderUnblock, Block: policy.HandBlock{Source: x.Prefix, Service: x.Service}}
}

// Outcome returns the blocks that were ended, and what holds the target nevertheless.
func (x Unblocking) Outcome(_ *policy.Policy, before, after *policy.Decision, c Calendar) (any, *Error) {
	blocks, limits := x.held(before)
	out := Blocked{Prefix: x.Prefix, Blocks: []BlockOfService{}, Total: len(blocks), Freed: limits, Still: x.around(after, c)}
	for _, b := range blocks[:min(len(blocks), MaxBlocks)] {
		out.Blocks = append(out.Blocks, BlockOfService{b.Service, BlockOf(b, c)})
	}
	return out, nil
}

// held returns the blocks of the target and of sources within it, and how many limits there are of such.
func (x Unblocking) held(d *policy.Decision) (blocks []*policy.Block, limits int) {
	for i := range d.Blocks {
		if b := &d.Blocks[i]; x.at(b.Service) && x.contains(b.Source) {
			blocks = append(blocks, b)
		}
	}
	for i := range d.Limits {
		if l := &d.Limits[i]; x.at(l.Service) && x.contains(l.Source) {
			limits++
		}
	}
	return blocks, limits
}

// blockOf returns the block of just this target at a service.
func blockOf(blocks []policy.Block, service string, t *Target) (*policy.Block, bool) {
	i, found := slices.BinarySearchFunc(blocks, t.Prefix, func(b policy.Block, p netip.Prefix) int {
		return cmp.Or(cmp.Compare(b.Service, service), policy.ComparePrefix(b.Source, p))
	})
	if !found {
		return nil, false
	}
	return &blocks[i], true
}
