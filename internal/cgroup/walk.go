package cgroup

import (
	"encoding/binary"
	"path"

	"golang.org/x/sys/unix"
)

const (
	// maxDirectories bounds one walk. A host with 10,000 containers has some 40,000.
	maxDirectories = 65536
	// direntStart is where the name starts in a struct linux_dirent64 (getdents64(2)).
	direntStart = 19
)

// walk visits the directories of a mount, breadth first and some at a time.
type walk struct {
	mount string
	queue []string // to be read, relative to the mount
	seen  int      // directories queued since start
	buf   []byte
}

// start begins at the root.
func (w *walk) start() { w.queue, w.seen = append(w.queue[:0], "/"), 1 }

// running reports whether there is something left to visit.
func (w *walk) running() bool { return len(w.queue) > 0 }

// advance reads at most n directories and calls each for every one in them. It returns false at the
// end of the walk, which comes early if each returns false. A directory that cannot be read, as it was
// removed meanwhile, is passed over.
func (w *walk) advance(n int, each func(id uint64, path string) (more bool)) bool {
	for range n {
		if len(w.queue) == 0 {
			break
		}
		dir := w.queue[0]
		w.queue = w.queue[1:]
		if !w.read(dir, each) {
			w.queue = nil
		}
	}
	return len(w.queue) > 0
}

// read visits the directories in one.
func (w *walk) read(dir string, each func(id uint64, path string) bool) bool {
	fd, err := unix.Open(path.Join(w.mount, dir), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return true
	}
	defer unix.Close(fd)
	var root unix.Stat_t
	if dir == "/" && unix.Fstat(fd, &root) == nil && !each(root.Ino, dir) {
		return false
	}
	if w.buf == nil {
		w.buf = make([]byte, 8<<10)
	}
	for {
		n, err := unix.Getdents(fd, w.buf)
		if err != nil || n <= 0 {
			return true
		}
		if !w.entries(dir, w.buf[:n], each) {
			return false
		}
	}
}

// entries visits the directories among the entries that getdents64(2) returned. On a cgroup2 mount the
// inode number of a directory is the id of its group.
func (w *walk) entries(dir string, b []byte, each func(id uint64, path string) bool) bool {
	for len(b) > direntStart {
		id, length, kind := binary.NativeEndian.Uint64(b), int(binary.NativeEndian.Uint16(b[16:])), b[18]
		if length <= direntStart || length > len(b) {
			return true
		}
		name := unix.ByteSliceToString(b[direntStart:length])
		b = b[length:]
		if kind != unix.DT_DIR || name == "." || name == ".." || name == "" || w.seen == maxDirectories {
			continue
		}
		w.seen++
		child := path.Join(dir, name)
		w.queue = append(w.queue, child)
		if !each(id, child) {
			return false
		}
	}
	return true
}
