package fault

import "golang.org/x/sys/unix"

// atStart is a call by which a program, or its loader, prepares its first thread, before it looks for the vDSO.
const atStart = unix.SYS_ARCH_PRCTL
