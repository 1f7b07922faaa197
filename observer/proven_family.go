package observer

import (
	"net/netip"
	"sync"
	"time"

	"ebbgate/policy"
)

const (
	// provenFor is how long a completed handshake speaks for a source.
	provenFor = 10 * time.Minute
	// minProven is the least bound on the sources remembered.
	minProven = 1 << 16
	// forgetEvery is the least time between two searches of a full set for what has expired.
	forgetEvery = 10 * time.Second
)

// provenFamily is proven for one family of addresses.
//
// It keeps at most bound sources. When it is full it looks for expired ones, and if there are none
// the newcomer is turned away; from then on it cannot say of any source that it did not complete a
// handshake, and so, for as long as the one turned away would have been remembered, it says that
// every source did: nothing is held against a client for want of room (P8).
type provenFamily struct {
	mu     sync.Mutex
	last   provenTable // when the last handshake of each source was known of
	bits   int         // of an IPv6 source
	bound  int
	full   policy.Instant // when a source was last turned away
	forgot policy.Instant // when expired sources were last searched for
	// turned and searched say that full and forgot are set.
	turned, searched bool
}

// configure sets the length of IPv6 sources and the bound. Sources of another length are
// forgotten; what is beyond a smaller bound stays until it expires.
func (p *provenFamily) configure(bits, bound int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last.slots == nil {
		p.last = newProvenTable(provenStart)
	}
	if bits != p.bits {
		p.last.keep(func(s *provenSlot) bool { return s.source.is4() })
	}
	p.bits, p.bound = bits, max(bound, minProven)
}

// key returns the source that a group of addresses belongs to, and false if it is wider than one.
func (p *provenFamily) key(group address, bits int) (address, bool) {
	if group.is4() {
		return group, bits == 32
	}
	return group.masked(p.bits), bits >= p.bits
}

// add notes a completed handshake of a source, or of a part of one.
func (p *provenFamily) add(group address, bits int, now policy.Instant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(group, bits, now)
}

func (p *provenFamily) note(group address, bits int, now policy.Instant) {
	key, ok := p.key(group, bits)
	if !ok {
		return
	}
	s := p.last.find(key)
	if s.at != 0 {
		s.at = now
		return
	}
	if p.last.used >= p.bound {
		if !p.forget(now) {
			p.full, p.turned = now, true
			return
		}
		s = p.last.find(key)
	}
	p.last.put(s, key, now)
}

// forget makes room by forgetting what has expired, and reports whether there is room now.
func (p *provenFamily) forget(now policy.Instant) bool {
	if p.searched && now.Sub(p.forgot) < forgetEvery {
		return false
	}
	p.forgot, p.searched = now, true
	p.last.keep(func(s *provenSlot) bool { return now.Sub(s.at) <= provenFor })
	return p.last.used < p.bound
}

// has reports whether a source completed a handshake in the last ten minutes, as far as is known.
func (p *provenFamily) has(source netip.Prefix, now policy.Instant) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over(now) {
		return true
	}
	key, ok := p.key(addressOf(source.Addr()), source.Bits())
	if !ok {
		return false
	}
	s := p.last.find(key)
	return s.at != 0 && now.Sub(s.at) <= provenFor
}

// overfull reports whether a source that was turned away would still be remembered.
func (p *provenFamily) overfull(now policy.Instant) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over(now)
}

func (p *provenFamily) over(now policy.Instant) bool {
	return p.turned && now.Sub(p.full) <= provenFor
}
