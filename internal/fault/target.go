package fault

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// target is the program's process, looked into from outside.
type target struct{ pid, pidfd int }

// dup returns a descriptor of ours for the file behind one of the program's.
func (t *target) dup(fd int) (int, error) { return unix.PidfdGetfd(t.pidfd, fd, 0) }

// path returns what /proc calls the file behind a descriptor, or "".
func (t *target) path(fd int) string {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", t.pid, fd))
	if err != nil {
		return ""
	}
	return path
}

// read fills b from the program's memory, and returns how much of it there was.
func (t *target) read(at uint64, b []byte) int {
	if len(b) == 0 {
		return 0
	}
	n, err := unix.ProcessVMReadv(t.pid, []unix.Iovec{iovec(b)}, []unix.RemoteIovec{{Base: uintptr(at), Len: len(b)}}, 0)
	if err != nil {
		return 0
	}
	return n
}

// write changes the program's memory, and reports whether it did.
func (t *target) write(at uint64, b []byte) bool {
	if len(b) == 0 {
		return true
	}
	n, err := unix.ProcessVMWritev(t.pid, []unix.Iovec{iovec(b)}, []unix.RemoteIovec{{Base: uintptr(at), Len: len(b)}}, 0)
	return err == nil && n == len(b)
}

func iovec(b []byte) unix.Iovec {
	v := unix.Iovec{Base: unsafe.SliceData(b)}
	v.SetLen(len(b))
	return v
}

// text reads a string that ends with a zero byte.
func (t *target) text(at uint64) string {
	// Not beyond the page in which there may be nothing.
	b := make([]byte, unix.PathMax)
	const page = 4 << 10
	n := t.read(at, b[:page-at%page])
	if i := bytes.IndexByte(b[:n], 0); i >= 0 {
		return string(b[:i])
	}
	n += t.read(at+uint64(n), b[n:])
	if i := bytes.IndexByte(b[:n], 0); i >= 0 {
		return string(b[:i])
	}
	return ""
}

// word reads a number of 64 bits.
func (t *target) word(at uint64) uint64 {
	var b [8]byte
	t.read(at, b[:])
	return binary.NativeEndian.Uint64(b[:])
}
