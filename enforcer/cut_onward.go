package enforcer

import (
	"bytes"
	"cmp"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/ctnetlink"
)

// flow is a connection the host passes on, as far as it takes to cut it.
type flow struct {
	original, reply ctnetlink.Tuple
	id              uint32
	left            time.Duration // until conntrack forgets it, if nothing comes
	offloaded       bool          // its packets go by a flow table
}

// entry returns the name of the flow for the kernel. Those of other zones are not cut.
func (f *flow) entry(family uint8) ctnetlink.Entry {
	return ctnetlink.Entry{Family: family, Protocol: unix.IPPROTO_TCP, Original: f.original, ID: f.id}
}

// handshake is how many packets of a client a handshake takes. Whose client never sent more has never
// said anything.
const handshake = 2

// tracked takes one entry of conntrack in, if it is a connection that counts for a service: the census
// counts the same ones (countForwarded in package observer).
func (w *cut) tracked(e *ctnetlink.Entry) {
	if held, _ := e.Stage(); !held || e.Zone != 0 || e.Protocol != unix.IPPROTO_TCP || e.ID == 0 {
		return
	}
	remote := e.Original.From().Addr()
	if w.own[remote] || remote.IsLoopback() || w.own[e.Reply.From().Addr()] {
		return
	}
	s := w.serving(e.Original.To())
	if s == nil || w.spares(s, netip.PrefixFrom(remote, remote.BitLen())) || w.ssh[e.Original.DestinationPort] && w.admins[remote] {
		return
	}
	f := &flow{original: e.Original, reply: e.Reply, id: e.ID, left: e.Timeout, offloaded: e.Status.Has(ctnetlink.Offload)}
	if !f.offloaded {
		w.freshest = max(w.freshest, f.left)
	}
	w.assign(s, candidate{family: e.Family, flow: f, remote: remote, silent: e.Counted && e.Sent <= handshake})
}

// serving returns the service of a connection that a client made to an address and port of the host, or
// of what is behind it: one that names the address goes before one that takes all of the host's.
func (w *cut) serving(to netip.AddrPort) *cutService {
	var host *cutService
	for _, s := range w.services {
		if !s.svc.Traffic.Onward() || !s.svc.Serves(to) {
			continue
		}
		if len(s.svc.Addresses) > 0 {
			return s
		}
		if host == nil && w.own[to.Addr()] {
			host = s
		}
	}
	return host
}

// rest works out how long flows have stood still. Conntrack tells how long it will wait, and not how
// long it has waited: the one which it will wait longest for had a packet last. Those about to end,
// which it waits for no longer than minutes, come out as having stood still longest.
func (w *cut) rest() {
	for _, list := range [][]candidate{w.blocked, w.others} {
		for i := range list {
			if f := list[i].flow; f != nil && !f.offloaded {
				list[i].still = w.freshest - f.left
			}
		}
	}
}

// compare orders flows by their identity, sockets before them.
func (f *flow) compare(o *flow) int {
	switch {
	case f == o:
		return 0
	case f == nil:
		return -1
	case o == nil:
		return 1
	}
	return cmp.Or(bytes.Compare(f.original.Source[:], o.original.Source[:]), cmp.Compare(f.original.SourcePort, o.original.SourcePort),
		bytes.Compare(f.original.Destination[:], o.original.Destination[:]), cmp.Compare(f.original.DestinationPort, o.original.DestinationPort))
}
