package fault

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// asked are the system calls that the kernel asks about.
var asked = []uint32{unix.SYS_WRITE, unix.SYS_SENDTO, unix.SYS_RECVFROM, unix.SYS_RECVMSG, unix.SYS_SETSOCKOPT, unix.SYS_SOCKET,
	unix.SYS_OPENAT, unix.SYS_READ, unix.SYS_PREAD64, unix.SYS_PWRITE64, unix.SYS_FDATASYNC}

// Offsets in struct seccomp_data of linux/seccomp.h, on machines whose lower half comes first.
const (
	dataNumber    = 0
	dataFirst     = 16 // the lower half of the first argument
	dataThird     = 16 + 2*8
	eventfdLength = 8 // of what eventfd(2) takes and gives, by which the runtime wakes itself
)

// program is the filter. Calls of less than asked pass at once.
func program(clock bool) []unix.SockFilter {
	const notify, allow = unix.SECCOMP_RET_USER_NOTIF, unix.SECCOMP_RET_ALLOW
	statement := func(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }
	load := func(offset uint32) unix.SockFilter { return statement(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset) }
	end := func(action uint32) unix.SockFilter { return statement(unix.BPF_RET|unix.BPF_K, action) }
	unless := func(k uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jf: skip}
	}
	p := []unix.SockFilter{load(dataNumber)}
	for _, number := range asked {
		switch number {
		case unix.SYS_READ, unix.SYS_WRITE:
			p = append(p, unless(number, 4), load(dataThird), unless(eventfdLength, 1), end(allow), end(notify))
		default:
			p = append(p, unless(number, 1), end(notify))
		}
	}
	if clock {
		p = append(p, unless(unix.SYS_CLOCK_GETTIME, 4), load(dataFirst), unless(unix.CLOCK_REALTIME, 1), end(notify), end(allow))
		p = append(p, unless(atStart, 1), end(notify))
	}
	return append(p, end(allow))
}

// install gives the calling thread the filter, which what it executes keeps, and returns the descriptor that
// calls are asked about at. calm is false where a signal may end a call that is being answered.
func install(clock bool) (listener int, calm bool, err error) {
	p := program(clock)
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	for _, flags := range []uintptr{unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER} {
		fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
		if errno == 0 {
			return int(fd), flags != unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, nil
		}
		err = fmt.Errorf("install seccomp filter: %w", errno)
		if errno != unix.EINVAL {
			break
		}
	}
	return -1, false, err
}
