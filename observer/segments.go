package observer

import (
	"net/netip"
	"slices"
	"time"

	"ebbgate/policy"
)

const (
	// segmentsEvery is how long the list of interfaces is good for: an MTU hardly ever changes.
	segmentsEvery = 10 * time.Second
	// The headers of IPv4 or IPv6 and of TCP, without options, in bytes.
	headers4, headers6 = 40, 60
)

// route is an address of the host and the MTU of the interface that carries it.
type route struct {
	addr netip.Addr
	mtu  int
}

// segments knows the TCP segment sizes that clients of the listeners can be offered.
type segments struct {
	routes []route // of the host's interfaces but lo
	readAt policy.Instant
}

// refresh has the interfaces read anew if the list is old. Where that fails the list stays as it is, and the
// next call tries again.
func (s *segments) refresh(now policy.Instant, read func() ([]route, error)) error {
	if s.readAt != 0 && now.Sub(s.readAt) < segmentsEvery {
		return nil
	}
	routes, err := read()
	if err != nil {
		return err
	}
	s.routes, s.readAt = routes, now
	return nil
}

// of returns the sizes for what a listener serves of a service, by IPv4 and IPv6; 0 where it serves nothing
// that an interface carries. Where interfaces differ the least one holds for all.
func (s *segments) of(l *listening, svc *policy.Service) (four, six int) {
	for _, r := range s.routes {
		if !l.serves(r.addr) || len(svc.Addresses) > 0 && !slices.Contains(svc.Addresses, r.addr) {
			continue
		}
		if r.addr.Is4() {
			four = least(four, r.mtu-headers4)
		} else {
			six = least(six, r.mtu-headers6)
		}
	}
	return four, six
}

// least is the lesser of two sizes, of which 0 means that there is none.
func least(a, b int) int {
	if a == 0 || b > 0 && b < a {
		return max(b, 0)
	}
	return a
}
