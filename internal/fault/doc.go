// Package fault makes system calls of a real program fail, as the kernel would let them fail, while the
// program runs. It is for tests.
//
// The program is started by a launcher, the test's own binary, which installs a seccomp filter
// (SECCOMP_RET_USER_NOTIF of seccomp_unotify(2)) and becomes the program by execve(2). The kernel then asks
// this process about each of a few system calls. By default it is told to go on as if nothing were; a Rule
// has the call end with an errno instead, or its result changed.
//
// What a socket is for is found out by looking at the program's own descriptor (pidfd_getfd(2)), so that a
// rule can mean one part of the kernel and no other. Where the result is changed, the call is made here, on
// that descriptor, and its outcome written into the program's memory.
//
// It needs root and Linux 5.9. Before 5.19, where a signal may end a call that is being answered
// (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is missing), a Go program is told not to send itself any. Hiding
// the clock of the vDSO needs amd64.
package fault
