package suggest

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"ebbgate/internal/escape"
	"ebbgate/policy"
)

// Process is a process that holds a listening socket of a service.
type Process struct {
	PID       int
	Name      string // of the program; chosen by itself
	Unit      string // of the service manager; empty: not known
	FileLimit uint64 // soft RLIMIT_NOFILE; 0: not known; math.MaxUint64: none
	Files     int    // descriptors it has open; -1: not known
}

// Capacity is how many connections the processes of a service may hold by their limits of
// descriptors. What their own settings allow is not known to anybody but them.
type Capacity struct {
	Proposed  int    `json:"proposed,omitempty"`
	Program   string `json:"program,omitempty"`
	Processes int    `json:"processes,omitempty"`  // that count: without one that may be the parent of the others
	FileLimit uint64 `json:"file_limit,omitempty"` // of all of them together
	Files     int    `json:"files,omitempty"`      // open in them, connections included
	Held      int    `json:"held"`                 // connections of these, when last counted
	Why       string `json:"why,omitempty"`        // nothing is proposed
}

const (
	// spareFiles is what a process needs beside connections: files, logs, connections of its own.
	spareFiles = 256
	// spareShare is the part of its limit it keeps, if that is more.
	spareShare = 10
)

// forking lists programs with a process for each connection, which no limit of descriptors bounds.
func forking() []string {
	return []string{"sshd", "postgres", "master", "inetd", "xinetd", "vsftpd", "proftpd"}
}

// capacityOf proposes a capacity for a service that holds so many connections now.
func capacityOf(all []Process, held int) Capacity {
	c := Capacity{Held: held}
	workers := slices.DeleteFunc(slices.Clone(all), func(p Process) bool { return p.PID == 1 })
	if len(workers) == 0 {
		c.Why = "no process was seen that accepts connections (root sees all of them)"
		return c
	}
	slices.SortFunc(workers, func(a, b Process) int { return cmp.Compare(a.PID, b.PID) })
	c.Program = escape.Terminal(workers[0].Name)
	for _, p := range workers {
		if slices.Contains(forking(), p.Name) {
			c.Why = fmt.Sprintf("%s has a process for each connection, so its own settings bound them, not files", escape.Terminal(p.Name))
			return c
		}
	}
	for _, p := range accepting(workers) {
		if p.FileLimit == 0 || p.Files < 0 {
			c.Why = fmt.Sprintf("what %s (pid %d) may hold cannot be seen (root sees it)", escape.Terminal(p.Name), p.PID)
			return c
		}
		if p.FileLimit > math.MaxInt32 {
			c.Why = fmt.Sprintf("%s (pid %d) may open any number of files", escape.Terminal(p.Name), p.PID)
			return c
		}
		c.Processes++
		c.FileLimit += p.FileLimit
		c.Files += p.Files
	}
	room := int(c.FileLimit) - max(c.Files-held, 0) - max(spareFiles*c.Processes, int(c.FileLimit)/spareShare)
	if c.Proposed = roundDown(min(room, policy.MaxCapacity)); room < policy.MinCapacity {
		c.Proposed, c.Why = 0, fmt.Sprintf("%d of %d files are open, which leaves none to spare", c.Files, c.FileLimit)
	}
	return c
}

// accepting leaves out the first of several processes of one program, which are sorted by number: it is
// mostly the parent, which listens but accepts nothing.
func accepting(sorted []Process) []Process {
	type kind struct{ name, unit string }
	count := make(map[kind]int)
	for _, p := range sorted {
		count[kind{p.Name, p.Unit}]++
	}
	var out []Process
	for _, p := range sorted {
		if k := (kind{p.Name, p.Unit}); count[k] > 1 {
			count[k] = 0 // the others of the kind stay
			continue
		}
		out = append(out, p)
	}
	return out
}
