package fault

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// timed answers what belongs to the clock.
func (i *Injector) timed(n notice) (reply, bool) {
	switch uint32(n.Number) {
	case atStart:
		i.hideVDSO()
		return goOn(), true
	case unix.SYS_CLOCK_GETTIME:
		ahead := time.Duration(i.offset.Load())
		if ahead == 0 {
			return goOn(), true
		}
		at := time.Now().Add(ahead)
		b := binary.NativeEndian.AppendUint64(nil, uint64(at.Unix()))
		b = binary.NativeEndian.AppendUint64(b, uint64(at.Nanosecond()))
		if !i.target.write(n.Args[1], b) {
			return fail(unix.EFAULT), true
		}
		return give(0), true
	}
	return reply{}, false
}

// Of the auxiliary vector (getauxval(3)).
const (
	auxIgnore = 1
	auxVDSO   = 33 // AT_SYSINFO_EHDR
)

// mostStack is where the auxiliary vector is looked for: beyond the arguments and the environment's places.
const mostStack = 1 << 20

// hideVDSO has a program that has not begun yet find no vDSO, so that it asks the kernel for the time.
func (i *Injector) hideVDSO() {
	at, err := i.stack()
	if err != nil {
		return
	}
	b := make([]byte, mostStack)
	b = b[:i.target.read(at, b)]
	word := func(n int) uint64 {
		if 8*n+8 > len(b) {
			return 0
		}
		return binary.NativeEndian.Uint64(b[8*n:])
	}
	n := 1 + int(word(0)) + 1 // the number of arguments, each, and a zero
	for word(n) != 0 {        // the environment
		n++
	}
	for n++; word(n) != 0; n += 2 {
		if word(n) == auxVDSO {
			i.target.write(at+uint64(8*n), binary.NativeEndian.AppendUint64(nil, auxIgnore))
		}
	}
}

// stack returns where the program's stack began (proc_pid_stat(5), startstack).
func (i *Injector) stack() (uint64, error) {
	const startStack = 28 // the first after the name is the third
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", i.target.pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	return strconv.ParseUint(string(fields[startStack-3]), 10, 64)
}
