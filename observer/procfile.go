package observer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"golang.org/x/sys/unix"
)

// Sizes of what a file of /proc/net or /proc/sys may hold. netstat has about 5 KiB today.
const (
	procFileStart = 16 << 10
	procFileBound = 256 << 10
)

// procFileTries bounds how often a reading is taken anew that a signal interrupts.
const procFileTries = 100

// procFile is a file of /proc that is read again and again through one descriptor, which stays
// bound to the network namespace it was opened in.
type procFile struct {
	path string
	fd   int
	buf  []byte
}

// openProcFile opens path. The error matches fs.ErrNotExist if there is no such file.
func openProcFile(path string) (*procFile, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &procFile{path: path, fd: fd}, nil
}

// read returns the present content, valid until the next call.
func (f *procFile) read() ([]byte, error) {
	if f.buf == nil {
		f.buf = make([]byte, procFileStart)
	}
	for tries := 1; ; tries++ {
		n, err := unix.Pread(f.fd, f.buf, 0)
		switch {
		case err == unix.EINTR && tries < procFileTries:
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", f.path, err)
		case n < len(f.buf):
			return f.buf[:n], nil
		case len(f.buf) >= procFileBound:
			return nil, fmt.Errorf("read %s: longer than the %d bytes allowed", f.path, procFileBound)
		default:
			f.buf = make([]byte, 2*len(f.buf))
		}
	}
}

// readUint returns the one number a sysctl file holds.
func (f *procFile) readUint() (uint64, error) {
	if f.buf == nil {
		f.buf = make([]byte, 64)
	}
	b, err := f.read()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", f.path, err)
	}
	return n, nil
}

// close may be called on nil.
func (f *procFile) close() error {
	if f == nil {
		return nil
	}
	if err := unix.Close(f.fd); err != nil {
		return fmt.Errorf("close %s: %w", f.path, err)
	}
	return nil
}

// absent reports whether err says that this kernel has no such file.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
