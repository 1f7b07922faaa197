package e2e

import (
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"ebbgate/internal/lab"
)

// entries counts the conntrack entries of IPv4 by who opened the connection.
type entries map[netip.Addr]entry

// entry counts what one address has in the conntrack table.
type entry struct{ all, established int }

// tracked lists the victim's conntrack table.
func (s *stage) tracked() entries {
	s.t.Helper()
	list := make(entries)
	err := s.Victim.Do(func() error {
		flows, err := netlink.ConntrackTableList(netlink.ConntrackTable, unix.AF_INET)
		for _, f := range flows {
			if from, ok := netip.AddrFromSlice(f.Forward.SrcIP); ok {
				e := list[from.Unmap()]
				e.all++
				if tcp, ok := f.ProtoInfo.(*netlink.ProtoInfoTCP); ok && tcp.State == nl.TCP_CONNTRACK_ESTABLISHED {
					e.established++
				}
				list[from.Unmap()] = e
			}
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// of returns the part that lies in a range.
func (e entries) of(r lab.Range) entries {
	part := make(entries)
	for from, n := range e {
		if r.V4.Contains(from) {
			part[from] = n
		}
	}
	return part
}

func (e entries) sum() int {
	n := 0
	for _, of := range e {
		n += of.all
	}
	return n
}

func (e entries) established() int {
	n := 0
	for _, of := range e {
		n += of.established
	}
	return n
}
