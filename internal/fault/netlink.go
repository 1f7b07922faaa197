package fault

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mostReceived is room for one datagram.
const mostReceived = 1 << 20

// receive makes a recvfrom(2) of the program's, and hands over what came, spoilt.
func (i *Injector) receive(c *call, how Spoil) reply {
	if c.Number != unix.SYS_RECVFROM {
		return goOn()
	}
	b := make([]byte, min(c.Args[2], mostReceived))
	var from unix.RawSockaddrNetlink
	size := uint32(unix.SizeofSockaddrNetlink)
	n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(c.dup), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		uintptr(c.Args[3]), uintptr(unsafe.Pointer(&from)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return fail(errno)
	}
	length := int(n)
	whole := b[:min(length, len(b))]
	if part := spoil(whole, how); len(part) < len(whole) {
		whole, length = part, len(part)
	}
	ok := i.target.write(c.Args[1], whole)
	if c.Args[4] != 0 && c.Args[5] != 0 {
		address := unsafe.Slice((*byte)(unsafe.Pointer(&from)), unix.SizeofSockaddrNetlink)
		ok = ok && i.target.write(c.Args[4], address) && i.target.write(c.Args[5], binary.NativeEndian.AppendUint32(nil, size))
	}
	if !ok {
		return fail(unix.EFAULT)
	}
	return give(length)
}

// spoil changes a datagram in place and returns what is left of it.
func spoil(b []byte, how Spoil) []byte {
	if how == Cut {
		// The end of an answer stays, be it of a dump or of anything else.
		if len(b) < unix.NLMSG_HDRLEN || binary.NativeEndian.Uint16(b[4:]) <= unix.NLMSG_DONE {
			return b
		}
		return b[:len(b)/2]
	}
	for _, m := range messages(b) {
		flags := b[m+6:]
		binary.NativeEndian.PutUint16(flags, binary.NativeEndian.Uint16(flags)|unix.NLM_F_DUMP_INTR)
	}
	return b
}

// messages returns where each of the messages begins.
func messages(b []byte) (at []int) {
	for i := 0; i+unix.NLMSG_HDRLEN <= len(b); {
		length := int(binary.NativeEndian.Uint32(b[i:]))
		if length < unix.NLMSG_HDRLEN {
			break
		}
		at = append(at, i)
		i += (length + unix.NLMSG_ALIGNTO - 1) &^ (unix.NLMSG_ALIGNTO - 1)
	}
	return at
}

// refusal is the kernel's answer to a transaction of which one message is refused (struct nlmsgerr of
// linux/netlink.h). Number 0 is the first after the transaction's beginning.
func refusal(b []byte, number int, errno unix.Errno) []byte {
	at := messages(b)
	if len(at) < 3 { // a beginning, something, an end
		return nil
	}
	about := b[at[1+min(max(number, 0), len(at)-3)]:]
	const length = unix.NLMSG_HDRLEN + 4 + unix.NLMSG_HDRLEN
	out := binary.NativeEndian.AppendUint32(nil, length)
	out = binary.NativeEndian.AppendUint16(out, unix.NLMSG_ERROR)
	out = binary.NativeEndian.AppendUint16(out, unix.NLM_F_CAPPED)
	out = append(out, about[8:16]...) // number and port
	out = binary.NativeEndian.AppendUint32(out, uint32(-int32(errno)))
	return append(out, about[:unix.NLMSG_HDRLEN]...)
}

// deliver hands over a refusal to a recvmsg(2) or recvfrom(2).
func (i *Injector) deliver(c *call) reply {
	b := i.refused[c.sock]
	at, room := c.Args[1], c.Args[2]
	if c.Number == unix.SYS_RECVMSG {
		// struct msghdr and struct iovec of recvmsg(2), on machines of 64 bits
		vector := i.target.word(c.Args[1] + 16)
		at, room = i.target.word(vector), i.target.word(vector+8)
		i.target.write(c.Args[1]+48, make([]byte, 4)) // msg_flags
	}
	delete(i.refused, c.sock)
	if room < uint64(len(b)) || !i.target.write(at, b) {
		return fail(unix.EFAULT)
	}
	return give(len(b))
}
