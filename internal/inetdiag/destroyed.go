package inetdiag

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// Offsets into struct tcp_info of what proves a handshake; Linux 4.18 has both.
const (
	infoMinRTT    = 148
	infoDelivered = 192
	endingInfoLen = infoDelivered + 4

	noRTT = ^uint32(0) // no round trip was ever measured
)

// notices decodes what the kernel multicasts. It touches no socket: bytes in, calls of each out.
type notices struct {
	sock   Socket
	broken uint64 // messages and datagrams that could not be decoded
}

// feed decodes one datagram and calls each for every connection in it whose handshake was
// completed. It stops at bytes that are no message.
func (n *notices) feed(b []byte, each func(*Socket)) {
	m := nlwire.Messages{Rest: b}
	for m.Next() {
		n.message(m.Kind, m.Body, each)
	}
	if !m.Whole() {
		n.broken++
	}
}

func (n *notices) message(kind uint16, body []byte, each func(*Socket)) {
	switch {
	case kind == unix.NLMSG_NOOP:
	case kind != sockDiagByFamily || !n.sock.decode(body, true):
		n.broken++
	case completed(&n.sock, infoAttribute(body[diagMsgLen:])):
		each(&n.sock)
	}
}

// infoAttribute returns the tcp_info among attributes that decode has found to be sound, or nil. If
// there are several it is the last, as in decode, so that both speak of the same.
func infoAttribute(b []byte) []byte {
	var info []byte
	for len(b) >= unix.NLA_HDRLEN {
		n := int(binary.NativeEndian.Uint16(b))
		if binary.NativeEndian.Uint16(b[2:]) == attrInfo {
			info = b[unix.NLA_HDRLEN:n]
		}
		b = b[min(nlwire.Align(n), len(b)):]
	}
	return info
}

// completed reports whether a destroyed socket was a connection whose handshake was completed.
//
// A socket that was one has had at least its SYN, or SYN-ACK, delivered. If its own process
// aborted it (SO_LINGER of 0, or a listener that was closed before it accepted) tcp_disconnect has
// wiped that count and the peer's port; but the peer's address and the least round trip stay, and
// no round trip is measured unless the peer acknowledged something. Listeners, sockets that were
// never connected, attempts that were refused, and what TCP Fast Open makes of a forged SYN pass
// neither test.
func completed(s *Socket, info []byte) bool {
	if len(info) < endingInfoLen {
		return false
	}
	if s.RemotePort != 0 {
		return binary.NativeEndian.Uint32(info[infoDelivered:]) > 0
	}
	return binary.NativeEndian.Uint32(info[infoMinRTT:]) != noRTT && !s.Remote().Addr().IsUnspecified()
}
