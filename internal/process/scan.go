package process

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// batch is how many descriptors are listed at once: a process may have a million.
const batch = 1024

// scan walks the descriptors of one process after another. It reads links one by one into the same
// buffer, because the host may have millions and few are of interest.
type scan struct {
	ctx    context.Context
	wanted map[uint32]struct{} // nil: every socket

	held  []uint32 // of wanted, by the process last walked; ascending, each once
	files int      // descriptors of that process, -1 if they could not all be listed
	link  [64]byte // a socket's link is at most 20 bytes: "socket:[4294967295]"
}

// descriptors walks those of a process. The error is the first reason why it has not seen all.
func (s *scan) descriptors(root string, pid int) error {
	s.held, s.files = s.held[:0], -1
	dir, err := os.Open(filepath.Join(root, strconv.Itoa(pid), "fd"))
	if err != nil {
		return err
	}
	defer dir.Close()
	files := 0
	var unread error
	for {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		names, err := dir.Readdirnames(batch)
		files += len(names)
		for _, name := range names {
			if err := s.read(int(dir.Fd()), name); err != nil && unread == nil && !errors.Is(err, fs.ErrNotExist) {
				unread = err
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	slices.Sort(s.held)
	s.held = slices.Compact(s.held)
	s.files = files
	return unread
}

// read takes note of one descriptor.
func (s *scan) read(dir int, name string) error {
	n, err := unix.Readlinkat(dir, name, s.link[:])
	if err != nil {
		return err
	}
	inode, ok := socketInode(s.link[:n])
	if _, wanted := s.wanted[inode]; ok && (wanted || s.wanted == nil) {
		s.held = append(s.held, inode)
	}
	return nil
}

// socketInode reads the inode of a socket from its link (proc_pid_fd(5)).
func socketInode(link []byte) (uint32, bool) {
	text, ok := bytes.CutPrefix(link, []byte("socket:["))
	if !ok {
		return 0, false
	}
	if text, ok = bytes.CutSuffix(text, []byte("]")); !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text), 10, 32)
	return uint32(n), err == nil
}

// denied reports whether an error says that the caller may not look.
func denied(err error) bool { return errors.Is(err, fs.ErrPermission) }

// kernelThread is PF_KTHREAD of linux/sched.h in the flags of proc_pid_stat(5).
const kernelThread = 0x00200000

// unheld reports whether a process cannot have descriptors: a thread of the kernel, or one that
// has ended and waits for its parent.
func unheld(p procfs.Proc) bool {
	st, err := p.Stat()
	return err == nil && (st.Flags&kernelThread != 0 || st.State == "Z" || st.State == "X")
}
