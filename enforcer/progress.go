package enforcer

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
	"time"

	"ebbgate/internal/inetdiag"
)

// candidate is a connection that may be closed, with what decides its turn.
type candidate struct {
	family uint8
	id     inetdiag.ID   // of a socket
	flow   *flow         // of a connection that is passed on, which has none
	silent bool          // no byte was ever received on it
	still  time.Duration // since it last made progress

	service     *cutService
	remote      netip.Addr
	first, last int  // its stretch of cut.members
	chosen      bool // to be closed
}

// progress is what tcp_info says about the connection's merit. The peer makes progress when data
// of his arrives, or when he takes data of ours. Data he has not acknowledged is no merit, and
// neither are the empty acknowledgements by which a slow reader keeps a full window alive: while
// anything is left to send, only what he sends himself counts.
func progress(s *inetdiag.Socket) candidate {
	c := candidate{family: s.Family, id: s.ID}
	if !s.HasInfo {
		return c
	}
	c.silent = s.Info.BytesReceived == 0
	c.still = s.Info.LastDataRecv
	if s.WQueue == 0 && s.Info.BytesAcked > 0 {
		c.still = min(c.still, s.Info.LastDataSent)
	}
	return c
}

// leastProgress sorts candidates so that those to be closed first come first: connections on
// which nothing was ever received, then those that have stood still longest. Ties are settled by
// the socket's identity, so that the order is total.
func leastProgress(list []*candidate) {
	slices.SortFunc(list, func(a, b *candidate) int {
		switch {
		case a.silent != b.silent && a.silent:
			return -1
		case a.silent != b.silent:
			return 1
		case a.still != b.still && a.still > b.still:
			return -1
		case a.still != b.still:
			return 1
		}
		return cmp.Or(bytes.Compare(a.id[:], b.id[:]), a.flow.compare(b.flow))
	})
}
