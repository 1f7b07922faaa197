package process

import (
	"math"

	"github.com/prometheus/procfs"

	"ebbgate/internal/escape"
)

// Unlimited is the FileLimit of a process without one (RLIM_INFINITY).
const Unlimited = math.MaxUint64

// Holder is a process that holds a socket.
type Holder struct {
	PID       int
	Name      string // comm, at most 15 bytes as the kernel keeps them; escaped for a terminal
	Exe       string // "" where the caller may not know; escaped for a terminal
	Unit      string // systemd unit, or control-group path where there is none; "" unknown
	FileLimit uint64 // soft RLIMIT_NOFILE; 0 unknown, Unlimited none
	Files     int    // descriptors open; -1 unknown
}

// describe reads what /proc tells about a process of which files descriptors were counted. What
// cannot be read, because the process is gone or is somebody else's, stays unknown.
func describe(p procfs.Proc, files int) Holder {
	h := Holder{PID: p.PID, Files: files}
	if name, err := p.Comm(); err == nil {
		h.Name = escape.Terminal(name)
	}
	if exe, err := p.Executable(); err == nil {
		h.Exe = escape.Terminal(exe)
	}
	if limits, err := p.Limits(); err == nil {
		h.FileLimit = limits.OpenFiles
	}
	if groups, err := p.Cgroups(); err == nil {
		h.Unit = escape.Terminal(unitOf(groups))
	}
	return h
}
