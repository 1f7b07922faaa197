package audit

import (
	"context"
	"fmt"
	"slices"

	"ebbgate/internal/process"
)

// findHolders names the processes of each listener.
func (f *Facts) findHolders(ctx context.Context) {
	inodes := make(map[uint32]struct{})
	for i := range f.Listeners {
		for _, inode := range f.Listeners[i].inodes {
			if inode != 0 {
				inodes[inode] = struct{}{}
			}
		}
	}
	found, hidden, err := process.Holders(ctx, inodes)
	if err != nil {
		f.unread("listening processes", err.Error())
	}
	nobody := 0
	for i := range f.Listeners {
		l := &f.Listeners[i]
		seen := make(map[int]bool)
		for _, inode := range l.inodes {
			for _, h := range found[inode] {
				if !seen[h.PID] {
					seen[h.PID] = true
					l.Holders = append(l.Holders, h)
				}
			}
		}
		slices.SortFunc(l.Holders, func(a, b process.Holder) int { return a.PID - b.PID })
		if len(l.Holders) == 0 {
			nobody++
		}
	}
	// Processes we may not look into matter only if they are why a listener has no name.
	if hidden > 0 && nobody > 0 {
		f.unread("listening processes", fmt.Sprintf("%d %s no process that can be seen: the files of %d %s are hidden; run as root, with CAP_SYS_PTRACE",
			nobody, plural(nobody, "listener has", "listeners have"), hidden, plural(hidden, "process", "processes")))
	}
}
