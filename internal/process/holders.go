package process

import (
	"context"
	"fmt"
	"slices"

	"github.com/prometheus/procfs"
)

// MaxHolders is how many holders of one socket are told: a listener may be shared by hundreds of
// workers. Beyond it the processes with the highest numbers are left out.
const MaxHolders = 64

// Holders finds the processes that hold any of the sockets with the given inodes, in one pass over
// the descriptors of all processes in /proc, and none if there are no inodes. The holders of an
// inode are in the order of their numbers, at most MaxHolders; an inode that no visible process
// holds is not in found. Its size is bounded by the inodes asked for.
//
// hidden counts the processes whose descriptors the caller may not see: without CAP_SYS_PTRACE
// those of other users. Where /proc is mounted with hidepid=2 (proc_pid_fd(5)) other users'
// processes are not even counted. A process that ends during the pass is passed over. It is an
// error if /proc cannot be listed or ctx ends; found then holds what was seen before.
func Holders(ctx context.Context, inodes map[uint32]struct{}) (found map[uint32][]Holder, hidden int, err error) {
	return holders(ctx, procfs.DefaultMountPoint, inodes)
}

func holders(ctx context.Context, root string, inodes map[uint32]struct{}) (map[uint32][]Holder, int, error) {
	found := make(map[uint32][]Holder)
	if len(inodes) == 0 {
		return found, 0, nil
	}
	fs, err := procfs.NewFS(root)
	if err != nil {
		return found, 0, fmt.Errorf("look for processes: %w", err)
	}
	all, err := fs.AllProcs()
	if err != nil {
		return found, 0, fmt.Errorf("list processes: %w", err)
	}
	slices.SortFunc(all, func(a, b procfs.Proc) int { return a.PID - b.PID })
	s := scan{ctx: ctx, wanted: inodes}
	hidden := 0
	for _, p := range all {
		if err := s.descriptors(root, p.PID); err != nil {
			if cause := ctx.Err(); cause != nil {
				return found, hidden, fmt.Errorf("look for processes: %w", cause)
			}
			if denied(err) && !unheld(p) {
				hidden++
			}
		}
		if len(s.held) == 0 {
			continue
		}
		h := describe(p, s.files)
		for _, inode := range s.held {
			if len(found[inode]) < MaxHolders {
				found[inode] = append(found[inode], h)
			}
		}
	}
	return found, hidden, nil
}
