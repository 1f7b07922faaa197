package control

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// errLocked says that another process holds the lock.
var errLocked = errors.New("locked by another process")

// lockFile is an flock(2) on a file of its own, held until release or the end of the process.
//
// The file is removed by its holder. That is safe because a lock counts only if, after it was
// got, the path still leads to the very file that is locked: whoever waited on a removed file
// finds out and tries again, so two processes can never both believe to hold it.
type lockFile struct {
	file *os.File
	path string
}

// lockTries bounds how often a lock file may be removed under our hands, each time by a daemon
// that stopped at that very moment.
const lockTries = 100

func acquireLock(path string) (*lockFile, error) {
	for range lockTries {
		l, err := tryLock(path)
		if l != nil || err != nil {
			return l, err
		}
	}
	return nil, fmt.Errorf("lock %q: it was replaced %d times meanwhile", path, lockTries)
}

// tryLock returns neither a lock nor an error when the file was removed meanwhile.
func tryLock(path string) (*lockFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	err = flock(f)
	if err == nil {
		if is, serr := isFile(f, path); is {
			return &lockFile{file: f, path: path}, nil
		} else if serr != nil {
			err = serr
		}
	}
	return nil, errors.Join(err, f.Close())
}

func flock(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return fmt.Errorf("lock %q: %w", f.Name(), err)
	}
	var lerr error
	if err := raw.Control(func(fd uintptr) { lerr = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB) }); err != nil {
		return fmt.Errorf("lock %q: %w", f.Name(), err)
	}
	if errors.Is(lerr, unix.EWOULDBLOCK) {
		return errLocked
	}
	if lerr != nil {
		return fmt.Errorf("lock %q: %w", f.Name(), lerr)
	}
	return nil
}

// isFile reports whether path leads to the open file.
func isFile(f *os.File, path string) (bool, error) {
	open, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("lock %q: %w", path, err)
	}
	named, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock %q: %w", path, err)
	}
	return os.SameFile(open, named), nil
}

// release removes the file and then gives up the lock, in that order.
func (l *lockFile) release() error {
	is, err := isFile(l.file, l.path)
	if is {
		err = os.Remove(l.path)
	}
	return errors.Join(err, l.file.Close())
}
