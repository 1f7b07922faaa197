package survey

import (
	"net/netip"
	"slices"

	"ebbgate/policy"
)

// Spare names connections that are left alone.
type Spare struct {
	Exempt  []netip.Prefix      // of the peer
	Host    []netip.Addr        // the host's own addresses; loopback is among them without being named
	Session map[uint32]struct{} // inodes of sockets
	SSH     [2]netip.AddrPort   // the peer and local end of one connection; the zero value is none
	Nothing bool                // spare nothing, whatever else is here
}

// Reason says why a connection was spared.
type Reason string

// Reasons, in the order they are looked at.
const (
	SpareSession Reason = "session" // whoever asks talks to this host over it
	SpareExempt  Reason = "exempt"  // the policy exempts its peer
	SpareHost    Reason = "host"    // its peer is the host itself
)

// Spared are the connections left alone for one reason.
type Spared struct {
	Reason      Reason
	Connections int
	Sources     []netip.Addr // the first maxSparedSources of them, in order
}

// maxSparedSources is how many addresses are named for each reason.
const maxSparedSources = 20

// sparing counts what is spared.
type sparing struct {
	spare  Spare
	host   map[netip.Addr]struct{}
	spared map[Reason]*Spared
}

func newSparing(s Spare) *sparing {
	out := &sparing{spare: s, host: make(map[netip.Addr]struct{}), spared: make(map[Reason]*Spared)}
	for _, a := range s.Host {
		out.host[a.WithZone("")] = struct{}{}
	}
	return out
}

// spares reports whether to leave a connection alone, and counts it if so.
func (s *sparing) spares(c *Connection) bool {
	reason := s.reason(c)
	if s.spare.Nothing || reason == "" {
		return false
	}
	sum := s.spared[reason]
	if sum == nil {
		sum = &Spared{Reason: reason}
		s.spared[reason] = sum
	}
	sum.Connections++
	if a := c.Remote.Addr(); len(sum.Sources) < maxSparedSources && !slices.Contains(sum.Sources, a) {
		sum.Sources = append(sum.Sources, a)
	}
	return true
}

// reason returns why to spare a connection, or "".
func (s *sparing) reason(c *Connection) Reason {
	peer := c.Remote.Addr()
	_, session := s.spare.Session[c.Inode]
	_, host := s.host[peer]
	switch {
	case session && c.Inode != 0, s.spare.SSH[0].IsValid() && c.Remote == s.spare.SSH[0] && c.Local == s.spare.SSH[1]:
		return SpareSession
	case policy.Covers(s.spare.Exempt, netip.PrefixFrom(peer, peer.BitLen())):
		return SpareExempt
	case host || peer.IsLoopback():
		return SpareHost
	}
	return ""
}

func (s *sparing) list() []Spared {
	var out []Spared
	for _, r := range []Reason{SpareSession, SpareExempt, SpareHost} {
		if sum := s.spared[r]; sum != nil {
			slices.SortFunc(sum.Sources, netip.Addr.Compare)
			out = append(out, *sum)
		}
	}
	return out
}
