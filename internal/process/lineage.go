package process

import (
	"context"
	"os"

	"github.com/prometheus/procfs"
)

// maxAncestors bounds how far up Lineage looks, in case processes are replaced while it does.
const maxAncestors = 64

// Lineage returns the inodes of the sockets which the calling process and its ancestors hold, up to
// but not including process 1: among them the connection over which somebody who typed the command
// is logged in, unless a terminal multiplexer or another daemon stands between. Ancestors
// the caller may not look into are passed over.
func Lineage(ctx context.Context) (map[uint32]struct{}, error) {
	return lineage(ctx, procfs.DefaultMountPoint, os.Getpid())
}

func lineage(ctx context.Context, root string, pid int) (map[uint32]struct{}, error) {
	found := make(map[uint32]struct{})
	fs, err := procfs.NewFS(root)
	if err != nil {
		return found, err
	}
	s := scan{ctx: ctx}
	for range maxAncestors {
		if pid <= 1 {
			break
		}
		if err := s.descriptors(root, pid); err != nil && ctx.Err() != nil {
			return found, ctx.Err()
		}
		for _, inode := range s.held {
			found[inode] = struct{}{}
		}
		p, err := fs.Proc(pid)
		if err != nil {
			break
		}
		st, err := p.Stat()
		if err != nil {
			break
		}
		pid = st.PPID
	}
	return found, nil
}
