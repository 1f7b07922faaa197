package observer

import (
	"net/netip"

	"ebbgate/internal/boottime"
	"ebbgate/policy"
)

// proven remembers which sources completed a handshake in the last ten minutes (P5), each as
// policy.Group makes it of an address. It is safe for concurrent use. IPv4 and IPv6 have room of
// their own: who has a wide IPv6 prefix has no end of addresses, and must not use up what IPv4
// clients are known by.
type proven struct{ four, six provenFamily }

// of returns the part for the family of an address.
func (p *proven) of(a address) *provenFamily {
	if a.is4() {
		return &p.four
	}
	return &p.six
}

func (p *proven) configure(bits, bound int) {
	p.four.configure(bits, bound)
	p.six.configure(bits, bound)
}

// add notes a completed handshake of a source, or of a part of one.
func (p *proven) add(group address, bits int, now policy.Instant) {
	p.of(group).add(group, bits, now)
}

// counted notes all sources of a census that hold connections.
func (p *proven) counted(c *policy.Census, now policy.Instant) {
	for i := range c.Services {
		for _, s := range c.Services[i].Sources {
			if s.Held > 0 {
				p.add(addressOf(s.Source.Addr()), s.Source.Bits(), now)
			}
		}
	}
}

// has reports whether a source completed a handshake in the last ten minutes, as far as is known.
func (p *proven) has(source netip.Prefix, now policy.Instant) bool {
	return p.of(addressOf(source.Addr())).has(source, now)
}

// overfull reports whether a source of either family that was turned away would still be remembered.
func (p *proven) overfull(now policy.Instant) bool {
	return p.four.overfull(now) || p.six.overfull(now)
}

// Proven reports whether a source completed a handshake in the last ten minutes, by any census or
// any ended connection seen since. The source is one of policy.Group, or a part of one; a wider
// prefix is never proven. While the set of its family is over its bound, which is
// observe.max_sources or 65,536 if that is more, every source of the family passes for proven;
// ProvenFull tells. It may be called from any goroutine.
func (o *Observer) Proven(source netip.Prefix) bool { return o.proven.has(source, boottime.Now()) }

// ProvenFull reports whether a source that completed a handshake in the last ten minutes could not
// be remembered for want of room, so that Proven is true of every source of its family.
func (o *Observer) ProvenFull() bool { return o.proven.overfull(boottime.Now()) }
