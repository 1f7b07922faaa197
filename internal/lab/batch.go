package lab

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is how many frames one system call sends.
const batchSize = 64

// mmsghdr is struct mmsghdr of sendmmsg(2). Go pads it as C does.
type mmsghdr struct {
	header unix.Msghdr
	sent   uint32
}

// batch is a set of frames of one size in one buffer, ready for sendmmsg(2).
type batch struct {
	size    int
	buffer  []byte
	vectors [batchSize]unix.Iovec
	headers [batchSize]mmsghdr
}

func newBatch(size int) *batch {
	b := &batch{size: size, buffer: make([]byte, size*batchSize)}
	for i := range batchSize {
		b.vectors[i].Base = &b.frame(i)[0]
		b.vectors[i].SetLen(size)
		b.headers[i].header.Iov = &b.vectors[i]
		b.headers[i].header.SetIovlen(1)
	}
	return b
}

// frame returns the memory of frame i.
func (b *batch) frame(i int) []byte { return b.buffer[i*b.size : (i+1)*b.size] }

// send sends the first n frames and returns how many were taken. An error after the first frame is
// not reported by the kernel; it comes back with the next call.
func (b *batch) send(fd, n int) (sent int, err error) {
	for {
		r, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])), uintptr(n), 0, 0, 0)
		switch errno {
		case 0:
			return int(r), nil
		case unix.EINTR:
		default:
			return 0, os.NewSyscallError("sendmmsg", errno)
		}
	}
}
