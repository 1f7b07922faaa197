package inetdiag

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

const (
	v4 = "192.0.2.1:80"
	v6 = "[2001:db8::1]:80"
)

// datagram builds what the kernel sends, message by message.
type datagram []byte

// msg appends one message, padded to four bytes.
func (d datagram) msg(kind uint16, body []byte) datagram {
	b := append(nlwire.AppendHeader(d, kind, 0, 0, len(body)), body...) // no request's
	return append(b, make([]byte, nlwire.Align(len(b))-len(b))...)
}

// diag builds a struct inet_diag_msg.
func diag(state State, local, remote string, attrs ...[]byte) []byte {
	l, r := netip.MustParseAddrPort(local), netip.MustParseAddrPort(remote)
	b := make([]byte, diagMsgLen)
	b[0], b[1] = unix.AF_INET, byte(state)
	if l.Addr().Is6() {
		b[0] = unix.AF_INET6
	}
	binary.BigEndian.PutUint16(b[4:], l.Port())
	binary.BigEndian.PutUint16(b[6:], r.Port())
	copy(b[4+idSrc:], l.Addr().AsSlice())
	copy(b[4+idDst:], r.Addr().AsSlice())
	for i := range 4 { // rqueue, wqueue, uid, inode
		binary.NativeEndian.PutUint32(b[56+4*i:], uint32(10+i))
	}
	for _, a := range attrs {
		b = append(b, a...)
	}
	return b
}

// attr builds one attribute.
func attr(kind uint16, value []byte) []byte { return nlwire.AppendBytes(nil, kind, value) }

// tcpInfo builds a struct tcp_info of n bytes.
func tcpInfo(n int, acked, received uint64, sent, recv, ack uint32) []byte {
	b := make([]byte, max(n, infoLen))
	binary.NativeEndian.PutUint32(b[infoLastDataSent:], sent)
	binary.NativeEndian.PutUint32(b[infoLastDataRecv:], recv)
	binary.NativeEndian.PutUint32(b[infoLastAckRecv:], ack)
	binary.NativeEndian.PutUint64(b[infoBytesAcked:], acked)
	binary.NativeEndian.PutUint64(b[infoBytesReceived:], received)
	return b[:n]
}
