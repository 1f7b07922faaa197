package lab

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ethtoolValue is struct ethtool_value of linux/ethtool.h.
type ethtoolValue struct {
	command uint32
	data    uint32
}

// ethtoolRequest is struct ifreq of linux/if.h, as SIOCETHTOOL reads it.
type ethtoolRequest struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte
}

// setLink switches one feature of a link of the calling thread's namespace, by its ETHTOOL_S command.
func setLink(link string, command, value uint32) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	v := ethtoolValue{command, value}
	var pin runtime.Pinner
	pin.Pin(&v)
	defer pin.Unpin()
	r := ethtoolRequest{data: unsafe.Pointer(&v)}
	copy(r.name[:unix.IFNAMSIZ-1], link)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&r))); errno != 0 {
		return fmt.Errorf("change a feature of the link %q (ethtool command %#x): %w", link, command, errno)
	}
	return nil
}

// queueLength is how many packets wait at a link after QueueLinks: a burst of resets of every
// connection a flood can hold.
const queueLength = 10_000

// QueueLinks gives the namespace's links a queue for what the other end is too slow to receive. Without
// it, what overruns the 256 places of a link with ReceiveThreads at the other end is lost. Linux before
// 6.16 loses it all the same.
func (n *Namespace) QueueLinks() error {
	return n.eachWire(func(link string) error {
		l, err := netlink.LinkByName(link)
		if err != nil {
			return fmt.Errorf("find the link %q: %w", link, err)
		}
		if err := netlink.LinkSetTxQLen(l, queueLength); err != nil {
			return fmt.Errorf("set the queue length of %q: %w", link, err)
		}
		at := netlink.QdiscAttrs{LinkIndex: l.Attrs().Index, Parent: netlink.HANDLE_ROOT}
		if err := netlink.QdiscReplace(&netlink.GenericQdisc{QdiscAttrs: at, QdiscType: "pfifo"}); err != nil {
			return fmt.Errorf("give the link %q a queue: %w", link, err)
		}
		return nil
	})
}

// NoSegmentation makes the namespace's links send every segment as a packet of its own, instead of
// up to 64 KiB at once as between namespaces they would: traffic then costs what it costs on a wire.
func (n *Namespace) NoSegmentation() error {
	return n.eachWire(func(link string) error {
		if err := setLink(link, unix.ETHTOOL_STSO, 0); err != nil {
			return err
		}
		return setLink(link, unix.ETHTOOL_SGSO, 0)
	})
}
