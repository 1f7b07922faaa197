package policy

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
)

// The bounds of what Restore takes for true.
const (
	maxStrikes  = 1000 // Step forgives one a turn
	maxRuleText = 64   // bytes
	maxWords    = 200  // bytes of the operator's reason
	maxAttacks  = 1 << 62
	maxKept     = Instant(1) << 60 // 36 years either way
)

// maxRestored bounds the exemptions, and the modes, that Restore takes over.
const maxRestored = 1000

// Restore returns the state a daemon begins with, made of what an earlier one kept: blocks in force for the
// time they have left, strikes, what the operator ordered until a time, and numbers that go on. It is as if
// it had just begun otherwise. Of several blocks of one source the one that ends last is taken.
//
// What is kept may be anything: an entry that no Step can have made is left out, no block lasts longer than
// one may be made to, and of more than limits.max_blocks those that end first are left out. left counts the
// entries left out. What the policy or an exemption does not allow is for the first Step to release.
func Restore(p *Policy, k Kept, now Moment) (s State, left int) {
	all := len(k.Blocks) + len(k.Exempt) + len(k.Modes)
	if k.Saved.At < 0 || k.Saved.At > maxKept || now.At < 0 || now.At > maxKept {
		return State{}, all
	}
	s.Seed, s.Attacks = k.Seed, k.Attacks
	if s.Attacks > maxAttacks {
		s.Attacks = 0
	}
	m := mover{by: k.shift(now), now: now.At}
	s.Told = max(k.Saved.At+m.by, 0)
	s.Blocks = distinctBlocks(gather(k.Blocks, m.block, math.MaxInt), p.Limits.MaxBlocks)
	s.Exempt = distinct(gather(k.Exempt, m.exemption, maxRestored), compareExemptions)
	s.Modes = slices.DeleteFunc(distinct(gather(k.Modes, m.mode, maxRestored), compareModes), func(h HandMode) bool {
		svc := p.Service(h.Service)
		return h.Until == 0 && svc != nil && svc.Mode == h.Mode // it says what the policy says by now
	})
	return s, all - len(s.Blocks) - len(s.Exempt) - len(s.Modes)
}

// mover translates what was kept to the clock of now. Each of its methods reports whether an entry is to be
// restored.
type mover struct{ by, now Instant }

// move translates times, if they are any.
func (m mover) move(times ...*Instant) bool {
	for _, t := range times {
		if *t < -maxKept || *t > maxKept {
			return false
		}
		*t += m.by
	}
	return true
}

func (m mover) block(b *BlockState) bool {
	if !m.move(&b.Since, &b.Until, &b.Decay, &b.Reason.At) || b.Since > b.Until || b.Until > b.Decay ||
		!nameable(b.Service) || !answerable(b) || b.Mode > Enforce || b.Strikes < 0 || b.Strikes > maxStrikes ||
		b.Peak < 0 || b.Reason.Measured < 0 || b.Reason.Threshold < 0 || !words(b.Reason.Rule, maxRuleText) || !words(b.Note, maxWords) {
		return false
	}
	b.Counted, b.Close = 0, false
	b.Since = min(b.Since, m.now)
	b.Until = min(b.Until, m.now+Instant(longestOff))
	b.Decay = min(b.Decay, b.Until+Instant(longestOff))
	return true
}

// exemption leaves out those without an end: they were for as long as the daemon ran.
func (m mover) exemption(e *Exemption) bool {
	if e.Until <= 0 || !m.move(&e.Since, &e.Until) || !plainPrefix(e.Prefix) || e.Service != "" && !nameable(e.Service) || !words(e.Reason, maxWords) {
		return false
	}
	e.Since = min(e.Since, m.now)
	return e.Until > m.now
}

// mode takes those without an end for such as Kept.Lasting returned; none of them enforces.
func (m mover) mode(h *HandMode) bool {
	if h.Until < 0 || h.Until == 0 && h.Mode != Shadow || !m.move(&h.Since) || h.Mode > Enforce || !nameable(h.Service) {
		return false
	}
	h.Since = min(h.Since, m.now)
	if h.Until == 0 {
		return true
	}
	return m.move(&h.Until) && h.Until > m.now
}

// gather returns copies of up to most entries that are to be restored.
func gather[T any](list []T, good func(*T) bool, most int) []T {
	var out []T
	for _, x := range list {
		if len(out) < most && good(&x) {
			out = append(out, x)
		}
	}
	return out
}

// distinct sorts a list and keeps the first of equal ones.
func distinct[T any](list []T, order func(a, b T) int) []T {
	slices.SortStableFunc(list, order)
	return slices.CompactFunc(list, func(a, b T) bool { return order(a, b) == 0 })
}

// NewestBlocks joins two lists of blocks as a State has them: each source once, with the end that is last, and of
// more than most those that end last.
func NewestBlocks(a, b []BlockState, most int) []BlockState {
	return distinctBlocks(slices.Concat(a, b), most)
}

// distinctBlocks sorts blocks as a State has them: each source once, with the end that is last, and of more
// than most those that end last.
func distinctBlocks(list []BlockState, most int) []BlockState {
	slices.SortFunc(list, func(a, b BlockState) int { return cmp.Or(CompareBlocks(a, b), cmp.Compare(b.Until, a.Until)) })
	list = slices.CompactFunc(list, func(a, b BlockState) bool { return CompareBlocks(a, b) == 0 })
	if len(list) <= most {
		return list
	}
	slices.SortStableFunc(list, func(a, b BlockState) int { return cmp.Compare(b.Until, a.Until) })
	list = slices.Clip(list[:most])
	slices.SortFunc(list, CompareBlocks)
	return list
}

// answerable reports whether a block of that source can have been decided: by hand of any length, else for
// a cause, at least once, and no wider than a policy may say.
func answerable(b *BlockState) bool {
	if b.byHand() {
		return plainPrefix(b.Source) && (b.Cause == "" || slices.Contains(Kinds(), b.Cause))
	}
	least := MinIPv6Prefix
	if b.Source.Addr().Is4() {
		least = MinIPv4Prefix
	}
	return plainPrefix(b.Source) && b.Source.Bits() >= least && b.Strikes >= 1 && slices.Contains(Kinds(), b.Cause)
}

// plainPrefix reports whether a prefix is masked and unmapped.
func plainPrefix(p netip.Prefix) bool {
	return p.IsValid() && p == p.Masked() && !p.Addr().Is4In6()
}

// nameable reports whether a service can have that name.
func nameable(service string) bool { return service != "" && words(service, MaxServiceName) }

// words reports whether a text is printable and no longer than most bytes.
func words(text string, most int) bool { return len(text) <= most && printable(text, most) == text }
