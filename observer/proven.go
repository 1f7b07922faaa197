package observer

import (
	"net/netip"
	"sync"
	"time"

	"ebbgate/internal/boottime"
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

// proven remembers which sources completed a handshake in the last ten minutes (P5), each as
// policy.Group makes it of an address. It is safe for concurrent use.
//
// It keeps at most bound sources. When it is full it looks for expired ones, and if there are none
// the newcomer is turned away; from then on it cannot say of any source that it did not complete a
// handshake, and so, for as long as the one turned away would have been remembered, it says that
// every source did: nothing is held against a client for want of room (P8). Who can fill it has
// completed handshakes from as many sources, and could send SYNs from those anyway.
type proven struct {
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
func (p *proven) configure(bits, bound int) {
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
func (p *proven) key(group address, bits int) (address, bool) {
	if group.is4() {
		return group, bits == 32
	}
	return group.masked(p.bits), bits >= p.bits
}

// add notes a completed handshake of a source, or of a part of one.
func (p *proven) add(group address, bits int, now policy.Instant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(group, bits, now)
}

// counted notes all sources of a census that hold connections.
func (p *proven) counted(c *policy.Census, now policy.Instant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range c.Services {
		for _, s := range c.Services[i].Sources {
			if s.Held > 0 {
				p.note(addressOf(s.Source.Addr()), s.Source.Bits(), now)
			}
		}
	}
}

func (p *proven) note(group address, bits int, now policy.Instant) {
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
func (p *proven) forget(now policy.Instant) bool {
	if p.searched && now.Sub(p.forgot) < forgetEvery {
		return false
	}
	p.forgot, p.searched = now, true
	p.last.keep(func(s *provenSlot) bool { return now.Sub(s.at) <= provenFor })
	return p.last.used < p.bound
}

// has reports whether a source completed a handshake in the last ten minutes, as far as is known.
func (p *proven) has(source netip.Prefix, now policy.Instant) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.overfull(now) {
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
func (p *proven) overfull(now policy.Instant) bool {
	return p.turned && now.Sub(p.full) <= provenFor
}

// Proven reports whether a source completed a handshake in the last ten minutes, by any census or
// any ended connection seen since. The source is one of policy.Group, or a part of one; a wider
// prefix is never proven. While the set is over its bound, which is observe.max_sources or 65,536
// if that is more, every source passes for proven; ProvenFull tells. It may be called from any
// goroutine.
func (o *Observer) Proven(source netip.Prefix) bool { return o.proven.has(source, boottime.Now()) }

// ProvenFull reports whether a source that completed a handshake in the last ten minutes could not
// be remembered for want of room, so that Proven is true of everybody.
func (o *Observer) ProvenFull() bool {
	o.proven.mu.Lock()
	defer o.proven.mu.Unlock()
	return o.proven.overfull(boottime.Now())
}
