package fault

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// notice is struct seccomp_notif of linux/seccomp.h.
type notice struct {
	ID    uint64
	TID   uint32
	Flags uint32
	// Of struct seccomp_data.
	Number int32
	Arch   uint32
	IP     uint64
	Args   [6]uint64
}

// reply is struct seccomp_notif_resp.
type reply struct {
	ID    uint64
	Value int64
	Error int32
	Flags uint32
}

// goOn has the kernel do what was asked for.
func goOn() reply { return reply{Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE} }

// fail ends the call with an errno.
func fail(errno unix.Errno) reply { return reply{Error: -int32(errno)} }

// give ends the call with a result.
func give(value int) reply { return reply{Value: int64(value)} }

// next waits for a call that is asked about; ok is false when nobody is left who could make one.
func next(listener int) (n notice, ok bool) {
	for {
		polled := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(polled, -1); err == unix.EINTR {
			continue
		} else if err != nil || polled[0].Revents&unix.POLLIN == 0 {
			return n, false
		}
		n = notice{} // the kernel refuses one that is not zero
		if errno := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); errno == 0 {
			return n, true
		} else if errno != unix.ENOENT && errno != unix.EINTR { // ENOENT: who asked is no more
			return n, false
		}
	}
}

// answer answers a call. Whoever made it may be gone, which is no concern of ours.
func answer(listener int, id uint64, r reply) {
	r.ID = id
	_ = ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r))
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	return errno
}
