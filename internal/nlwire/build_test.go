package nlwire

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// item is the type of the messages which carry an answer in these tests.
const item = 0x0a0c

// datagram builds what the kernel sends, message by message.
type datagram []byte

// msg appends one message, padded to four bytes.
func (d datagram) msg(kind, flags uint16, seq uint32, body string) datagram {
	b := append(AppendHeader(d, kind, flags, seq, len(body)), body...)
	return append(b, make([]byte, Align(len(b))-len(b))...)
}

func (d datagram) item(seq uint32, body string) datagram {
	return d.msg(item, unix.NLM_F_MULTI, seq, body)
}

func (d datagram) done(seq uint32) datagram {
	return d.msg(unix.NLMSG_DONE, unix.NLM_F_MULTI, seq, "\x00\x00\x00\x00")
}

func (d datagram) errno(seq uint32, e unix.Errno) datagram {
	code := binary.NativeEndian.AppendUint32(nil, uint32(-int32(e)))
	return d.msg(unix.NLMSG_ERROR, 0, seq, string(code))
}
