package e2e

import (
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/fault"
)

// TestProcFails: the files of /proc that are read each turn fail in every way while a flood is held.
func TestProcFails(t *testing.T) {
	f := newFaulty(t, policyFile{}, "", false)
	file := func(path string, errno unix.Errno, part, word string) trial {
		return trial{path + ": " + errno.Error(), []fault.Rule{{Call: fault.Read, Path: path, Errno: errno}}, part, word}
	}
	f.try([]trial{
		file("/net/snmp", unix.EIO, "observe counters", "input/output error"),
		file("/net/snmp", unix.EACCES, "observe counters", "permission denied"),
		file("/net/snmp", unix.ENOENT, "observe counters", "no such file"),
		file("/net/netstat", unix.EIO, "observe counters", "input/output error"),
		{"/proc: every second reading is interrupted", []fault.Rule{{Call: fault.Read, Path: "/proc", Errno: unix.EINTR, Every: 2}}, "", ""},
		file("/tcp_syncookies", unix.EIO, "observe syncookies", "input/output error"),
		file("/nf_conntrack_count", unix.EIO, "observe conntrack", "input/output error"),
		file("/nf_conntrack_max", unix.EACCES, "observe conntrack", "permission denied"),
		file("/nf_conntrack_count", unix.ENOENT, "", ""), // as if the module had been unloaded
		{"nothing of /proc can be opened or read", []fault.Rule{{Call: fault.Open, Path: "/proc", Errno: unix.EACCES},
			{Call: fault.Read, Path: "/proc", Errno: unix.EIO}}, "observe counters", "input/output error"},
	})
}
