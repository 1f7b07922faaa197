package nstest

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Flow is a TCP connection for Track, by the numbers of linux/netfilter/nf_conntrack_common.h and
// nf_conntrack_tcp.h.
type Flow struct {
	From, To           netip.AddrPort // of the original direction
	ReplyFrom, ReplyTo netip.AddrPort // the zero AddrPorts: To and From, which is no NAT
	Status             uint32         // IPS_ASSURED, ...; IPS_CONFIRMED is added
	State              uint8          // TCP_CONNTRACK_ESTABLISHED, ...
	Zone               uint16
}

// confirmed is IPS_CONFIRMED, which every entry of the table has.
const confirmed = 1 << 3

// flowTimeout is when the kernel forgets what Track made, in seconds: long after the test.
const flowTimeout = 3600

// Track puts connections into the conntrack table of the test's namespace, as if their packets had
// come by. No packet is sent and no socket made.
func Track(tb testing.TB, flows ...Flow) {
	tb.Helper()
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		tb.Fatalf("open conntrack: %v", err)
	}
	defer c.Close()
	for _, f := range flows {
		msg, err := f.message()
		if err == nil {
			_, err = c.Execute(msg)
		}
		if err != nil {
			tb.Fatalf("track %v to %v: %v", f.From, f.To, err)
		}
	}
}

// message is IPCTNL_MSG_CT_NEW of linux/netfilter/nfnetlink_conntrack.h.
func (f *Flow) message() (netlink.Message, error) {
	if !f.ReplyFrom.IsValid() {
		f.ReplyFrom, f.ReplyTo = f.To, f.From
	}
	e := netlink.NewAttributeEncoder()
	e.ByteOrder = binary.BigEndian
	e.Nested(1, tuple(f.From, f.To))           // CTA_TUPLE_ORIG
	e.Nested(2, tuple(f.ReplyFrom, f.ReplyTo)) // CTA_TUPLE_REPLY
	e.Uint32(3, f.Status|confirmed)            // CTA_STATUS
	e.Uint32(7, flowTimeout)                   // CTA_TIMEOUT
	if f.Zone != 0 {
		e.Uint16(18, f.Zone) // CTA_ZONE
	}
	e.Nested(4, func(info *netlink.AttributeEncoder) error { // CTA_PROTOINFO
		info.Nested(1, func(tcp *netlink.AttributeEncoder) error { // CTA_PROTOINFO_TCP
			tcp.Uint8(1, f.State) // CTA_PROTOINFO_TCP_STATE
			return nil
		})
		return nil
	})
	attrs, err := e.Encode()
	family := byte(unix.AF_INET)
	if f.From.Addr().Is6() {
		family = unix.AF_INET6
	}
	return netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_CTNETLINK << 8,
			Flags: netlink.Request | netlink.Acknowledge | netlink.Create | netlink.Excl},
		Data: append([]byte{family, unix.NFNETLINK_V0, 0, 0}, attrs...),
	}, err
}

// tuple encodes one direction.
func tuple(from, to netip.AddrPort) func(*netlink.AttributeEncoder) error {
	source, destination := uint16(1), uint16(2) // CTA_IP_V4_SRC, CTA_IP_V4_DST
	if from.Addr().Is6() {
		source, destination = 3, 4 // CTA_IP_V6_SRC, CTA_IP_V6_DST
	}
	return func(e *netlink.AttributeEncoder) error {
		e.Nested(1, func(ip *netlink.AttributeEncoder) error { // CTA_TUPLE_IP
			ip.Bytes(source, from.Addr().AsSlice())
			ip.Bytes(destination, to.Addr().AsSlice())
			return nil
		})
		e.Nested(2, func(proto *netlink.AttributeEncoder) error { // CTA_TUPLE_PROTO
			proto.Uint8(1, unix.IPPROTO_TCP)
			proto.Uint16(2, from.Port())
			proto.Uint16(3, to.Port())
			return nil
		})
		return nil
	}
}
