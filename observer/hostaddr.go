package observer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// hostAddresses lists the addresses assigned to the host's interfaces, over one socket that stays
// in the namespace it was opened in.
type hostAddresses struct{ handle *netlink.Handle }

// addressTimeout bounds how long a silent kernel can hold us.
const addressTimeout = 2 * time.Second

// addressTries is how often an interrupted list is asked for again: somebody would have to change
// addresses without a pause for it to run out.
const addressTries = 5

func (h *hostAddresses) open() error {
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open rtnetlink: %w", err)
	}
	h.handle = handle
	if err := handle.SetSocketTimeout(addressTimeout); err != nil {
		return fmt.Errorf("set rtnetlink time-out: %w", err)
	}
	return nil
}

func (h *hostAddresses) close() {
	if h.handle != nil {
		h.handle.Close()
	}
}

// list returns the addresses, unmapped.
func (h *hostAddresses) list() ([]netip.Addr, error) {
	for try := 1; ; try++ {
		found, err := h.handle.AddrList(nil, netlink.FAMILY_ALL)
		if errors.Is(err, netlink.ErrDumpInterrupted) && try < addressTries {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list the host's addresses: %w", err)
		}
		list := make([]netip.Addr, 0, len(found))
		for _, f := range found {
			if a, ok := netip.AddrFromSlice(f.IP); ok {
				list = append(list, a.Unmap())
			}
		}
		return list, nil
	}
}

// routes returns the addresses with the MTU of the interface each is on. Left out are lo, whose packets go
// nowhere, and addresses of one link alone.
func (h *hostAddresses) routes() ([]route, error) {
	var found []netlink.Addr
	err := error(netlink.ErrDumpInterrupted)
	for try := 1; errors.Is(err, netlink.ErrDumpInterrupted) && try <= addressTries; try++ {
		found, err = h.handle.AddrList(nil, netlink.FAMILY_ALL)
	}
	if err != nil {
		return nil, fmt.Errorf("list the host's addresses: %w", err)
	}
	mtus := map[int]int{}
	var list []route
	for _, f := range found {
		a, ok := netip.AddrFromSlice(f.IP)
		if !ok || a.IsLinkLocalUnicast() || a.IsLoopback() {
			continue
		}
		mtu, known := mtus[f.LinkIndex]
		if !known {
			link, err := h.handle.LinkByIndex(f.LinkIndex)
			if errors.As(err, &netlink.LinkNotFoundError{}) {
				continue // it went away in between
			}
			if err != nil {
				return nil, fmt.Errorf("read the MTU of interface %d: %w", f.LinkIndex, err)
			}
			if link.Attrs().Flags&net.FlagLoopback == 0 {
				mtu = link.Attrs().MTU
			}
			mtus[f.LinkIndex] = mtu
		}
		if mtu > 0 {
			list = append(list, route{a.Unmap(), mtu})
		}
	}
	return list, nil
}
