package login

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// stamp tells whether a file was replaced or written to.
type stamp struct {
	dev, ino      uint64
	size, changed int64 // changed: status change time, which nobody sets
}

// open opens a file that nobody but its owner, who must be root, and its group may write to, without
// following a link and without waiting for the other end of a FIFO.
func (r *Reader) open(path string, kind uint32) (*os.File, stamp, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, stamp{}, fmt.Errorf("open %s: %w", path, err)
	}
	f := os.NewFile(uintptr(fd), path)
	info, err := f.Stat()
	if err != nil {
		return nil, stamp{}, errors.Join(err, f.Close())
	}
	st := info.Sys().(*syscall.Stat_t)
	switch {
	case st.Mode&unix.S_IFMT != kind:
		err = fmt.Errorf("read %s: it is of file type %#o, must be %#o", path, st.Mode&unix.S_IFMT, kind)
	case st.Uid != r.owner:
		err = fmt.Errorf("read %s: it belongs to user %d, must belong to %d", path, st.Uid, r.owner)
	case st.Mode&unix.S_IWOTH != 0:
		err = fmt.Errorf("read %s: everybody may write to it (mode %#o)", path, st.Mode&0o7777)
	}
	if err != nil {
		return nil, stamp{}, errors.Join(err, f.Close())
	}
	return f, stamp{uint64(st.Dev), st.Ino, st.Size, st.Ctim.Nano()}, nil
}

// read returns the content of a regular file of at most bound bytes.
func (r *Reader) read(path string, bound int64) ([]byte, error) {
	f, _, err := r.open(path, unix.S_IFREG)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, bound)
}

func readAll(f *os.File, bound int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(f, bound+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > bound {
		return nil, fmt.Errorf("read %s: longer than the %d bytes allowed", f.Name(), bound)
	}
	return b, nil
}
