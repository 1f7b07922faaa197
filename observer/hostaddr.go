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
	found, err := h.addresses()
	if err != nil {
		return nil, err
	}
	list := make([]netip.Addr, 0, len(found))
	for _, f := range found {
		if a, ok := netip.AddrFromSlice(f.IP); ok {
			list = append(list, a.Unmap())
		}
	}
	return list, nil
}

// routes returns the addresses with the MTU of the interface each is on. Left out are lo, whose packets go
// nowhere, and addresses of one link alone.
func (h *hostAddresses) routes() ([]route, error) {
	found, err := h.addresses()
	if err != nil {
		return nil, err
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
			if mtu, err = h.mtu(f.LinkIndex); err != nil {
				return nil, err
			}
			mtus[f.LinkIndex] = mtu
		}
		if mtu > 0 {
			list = append(list, route{a.Unmap(), mtu})
		}
	}
	return list, nil
}

// mtu returns the MTU of an interface, or 0 if it is lo or went away meanwhile.
func (h *hostAddresses) mtu(index int) (int, error) {
	link, err := h.handle.LinkByIndex(index)
	switch {
	case errors.As(err, &netlink.LinkNotFoundError{}):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("read the MTU of interface %d: %w", index, err)
	case link.Attrs().Flags&net.FlagLoopback != 0:
		return 0, nil
	}
	return link.Attrs().MTU, nil
}

// addresses asks for the addresses until the answer is whole.
func (h *hostAddresses) addresses() (found []netlink.Addr, err error) {
	for range addressTries {
		if found, err = h.handle.AddrList(nil, netlink.FAMILY_ALL); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list the host's addresses: %w", err)
	}
	return found, nil
}
