package lab

import (
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	vnetlink "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ReceiveThreads gives every link of the namespace a kernel thread of its own for what it receives,
// and returns the process IDs of these threads. Without it, packets between namespaces are received
// on the sender's time: nobody could tell what they cost the victim from what sending them costs.
// The kernel leaves it at that for what comes from links that segment: see NoSegmentation.
//
// It needs Linux 6.8, whose netdev family of generic netlink names the threads.
func (n *Namespace) ReceiveThreads() ([]int, error) {
	var threads []int
	err := n.eachWire(func(link string) error {
		// Only with GRO has a veth link NAPI, and only NAPI can have a thread.
		if err := setLink(link, unix.ETHTOOL_SGRO, 1); err != nil {
			return err
		}
		if err := writeLinkFile(link, "threaded", "1"); err != nil {
			return err
		}
		l, err := vnetlink.LinkByName(link)
		if err != nil {
			return fmt.Errorf("find the link %q: %w", link, err)
		}
		found, err := receiveThreads(l.Attrs().Index)
		threads = append(threads, found...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("give the links of %q threads that receive: %w", n.name, err)
	}
	return threads, nil
}

// eachWire calls f, inside the namespace, with the name of every veth link.
func (n *Namespace) eachWire(f func(link string) error) error {
	return n.Do(func() error {
		links, err := vnetlink.LinkList()
		if err != nil {
			return fmt.Errorf("list the links of %q: %w", n.name, err)
		}
		for _, l := range links {
			if l.Type() != "veth" {
				continue
			}
			if err := f(l.Attrs().Name); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeLinkFile writes a file of a link's directory in sysfs. What is mounted at /sys shows the
// namespace of who mounted it, so another sysfs is made for the calling thread's, which is attached
// nowhere and goes with its descriptor.
func writeLinkFile(link, name, value string) (err error) {
	where := fmt.Sprintf("class/net/%s/%s", link, name)
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %q to %s of sysfs: %w", value, where, err)
		}
	}()
	fs, err := unix.Fsopen("sysfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return err
	}
	root, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	file, err := unix.Openat(root, where, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(file)
	_, err = unix.Write(file, []byte(value))
	return err
}

// Of linux/netdev.h.
const (
	netdevNAPIGet     = 11
	netdevNAPIIfindex = 1
	netdevNAPIPID     = 4
	genlHeader        = 4 // struct genlmsghdr of linux/genetlink.h
)

// errNoReceiveThread is what a kernel gets that made a thread and does not name it.
var errNoReceiveThread = errors.New("the kernel names no thread that receives: Linux 6.8 is needed")

// receiveThreads asks which threads receive for a link.
func receiveThreads(link int) ([]int, error) {
	family, err := vnetlink.GenlFamilyGet("netdev")
	if err != nil {
		return nil, fmt.Errorf("find the netdev family of generic netlink: %w", err)
	}
	e := netlink.NewAttributeEncoder()
	e.Uint32(netdevNAPIIfindex, uint32(link))
	attributes, err := e.Encode()
	if err != nil {
		return nil, err
	}
	c, err := netlink.Dial(unix.NETLINK_GENERIC, nil)
	if err != nil {
		return nil, fmt.Errorf("open generic netlink: %w", err)
	}
	defer c.Close()
	messages, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(family.ID), Flags: netlink.Request | netlink.Dump},
		Data:   append([]byte{netdevNAPIGet, 1, 0, 0}, attributes...),
	})
	if err != nil {
		return nil, fmt.Errorf("list who receives for link %d: %w", link, err)
	}
	var threads []int
	for _, m := range messages {
		pid, err := receiveThread(m.Data)
		if err != nil {
			return nil, err
		}
		threads = append(threads, pid)
	}
	if len(threads) == 0 {
		return nil, errNoReceiveThread
	}
	return threads, nil
}

// receiveThread reads the thread's process ID from one message of NETDEV_CMD_NAPI_GET.
func receiveThread(message []byte) (int, error) {
	if len(message) < genlHeader {
		return 0, fmt.Errorf("read who receives: a message of %d bytes is too short for generic netlink", len(message))
	}
	d, err := netlink.NewAttributeDecoder(message[genlHeader:])
	if err != nil {
		return 0, fmt.Errorf("read who receives: %w", err)
	}
	pid := 0
	for d.Next() {
		if d.Type() == netdevNAPIPID {
			pid = int(d.Uint32())
		}
	}
	switch {
	case d.Err() != nil:
		return 0, fmt.Errorf("read who receives: %w", d.Err())
	case pid == 0:
		return 0, errNoReceiveThread
	}
	return pid, nil
}
