package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"ebbgate/policy"
)

const (
	lockSuffix = ".lock"
	newSuffix  = ".new"

	// maxPath is what sun_path of sockaddr_un holds with its final zero byte (unix(7)), less what
	// the socket's first name needs more.
	maxPath = 107 - len(newSuffix)
)

// Socket is a bound control socket and the lock that keeps a second daemon away from it.
type Socket struct {
	path    string
	link    string // that leads to it; empty: none
	viewers group
	warning string

	mu       sync.Mutex // held while what was removed is made anew
	listener *net.UnixListener
	file     os.FileInfo // of the socket as we made it
	lock     *lockFile
}

// Listen binds the control socket at path for root and the members of viewGroup, which may be
// empty: then only root may connect. The parent directory is made if it is missing (0755), none
// above it.
//
// The file appears at path complete: listening, with its group, and with mode 0660 (0600 without
// a group). A view group that the daemon may not give the file to is granted access to it. One that
// does not exist, or cannot be granted it, leaves the socket to root alone and is told by Warning.
//
// A living owner of the path is a *RunningError, also when its socket file is gone. A socket
// nobody listens on is replaced, and so is a symbolic link to one or to nothing. Anything else in the
// place is an error that matches ErrNotSocket, and is left alone.
//
// Where the daemon may not write, the error says where it may under the package's unit.
func Listen(path, viewGroup string) (*Socket, error) {
	s, err := listen(path, viewGroup)
	// A sandbox hides directories as well as it protects them.
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) || errors.Is(err, fs.ErrNotExist) {
		dir := filepath.Dir(path)
		return nil, fmt.Errorf("%w: the daemon must be able to write to %s, where the policy has control.socket; under the package's unit "+
			"that is %s, or a directory of user ebbgate's that a drop-in shows it (BindPaths=%[2]s)", err, dir, filepath.Dir(policy.DefaultSocket))
	}
	return s, err
}

func listen(path, viewGroup string) (*Socket, error) {
	if len(path) == 0 || len(path) > maxPath {
		return nil, fmt.Errorf("listen at %q: control.socket must have 1 to %d bytes, not %d", path, maxPath, len(path))
	}
	if err := ensureParent(path); err != nil {
		return nil, err
	}
	lock, err := acquireLock(path + lockSuffix)
	if errors.Is(err, errLocked) {
		pid, _ := answering(path)
		return nil, &RunningError{Path: path, PID: pid, Ours: true}
	}
	if err != nil {
		return nil, fmt.Errorf("listen at %q: %w", path, err)
	}
	s := &Socket{path: path, lock: lock, viewers: lookupGroup(viewGroup)}
	if err := s.bind(); err != nil {
		return nil, errors.Join(err, lock.release())
	}
	s.warning = withShared(s.warning, path)
	return s, nil
}

func ensureParent(path string) error {
	dir := filepath.Dir(path)
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		err = os.Chmod(dir, 0o755) // whatever the umask is
	}
	if err != nil {
		return fmt.Errorf("make directory of control socket: %w", err)
	}
	return nil
}

func lookupGroup(name string) group {
	g := group{name: name}
	if name == "" {
		return g
	}
	found, err := user.LookupGroup(name)
	if err != nil {
		return g
	}
	gid, err := strconv.ParseUint(found.Gid, 10, 32)
	if err != nil {
		return g
	}
	g.gid, g.known = uint32(gid), true
	return g
}

// bind makes the socket under another name and moves it to its place, so that no client meets a
// socket that does not listen yet or has not its mode yet. The move replaces nothing.
func (s *Socket) bind() error {
	if err := vacate(s.path); err != nil {
		return err
	}
	fresh := s.path + newSuffix
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("listen at %q: %w", s.path, err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return fmt.Errorf("listen at %q: %w", s.path, err)
	}
	l.SetUnlinkOnClose(false)
	s.listener = l
	err = s.admit(fresh)
	if err == nil {
		s.file, err = os.Lstat(fresh)
	}
	if err == nil {
		err = unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, s.path, unix.RENAME_NOREPLACE)
	}
	if err != nil {
		_ = l.Close()
		_ = os.Remove(fresh)
		return fmt.Errorf("listen at %q: %w", s.path, err)
	}
	return nil
}

// admit sets group and mode of the socket file.
func (s *Socket) admit(name string) error {
	if err := os.Chmod(name, 0o600); err != nil {
		return err
	}
	switch {
	case s.viewers.name == "":
		return nil
	case !s.viewers.known:
		s.warning = fmt.Sprintf("control.view_group %q does not exist: only root can use the control socket; "+
			"create the group (groupadd --system %s) and restart", s.viewers.name, s.viewers.name)
		return nil
	}
	err := os.Chown(name, -1, int(s.viewers.gid))
	// EINVAL: the group has no number in the user namespace we run in (user_namespaces(7)).
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EINVAL) {
		if err := grant(name, s.viewers.gid); err != nil {
			s.warning = notShared(s.viewers.name, err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	return os.Chmod(name, 0o660)
}

func notShared(group string, err error) string {
	return fmt.Sprintf("control.view_group %q: the daemon may not share the control socket with it (%v), so only root can "+
		"use it; put control.socket on a file system with access control lists and restart", group, err)
}

// Warning tells why the view group has no access, and that strangers could take the socket's place; it is empty when
// all is as the policy says, and good.
func (s *Socket) Warning() string { return s.warning }

// Path returns where the socket was bound.
func (s *Socket) Path() string { return s.path }

// Close stops listening, removes the socket file if it is still the one Listen made, and lets
// go of the path. A second call returns an error and removes nothing.
func (s *Socket) Close() error {
	err := s.unlink()
	s.mu.Lock()
	defer s.mu.Unlock()
	if cerr := s.listener.Close(); !errors.Is(cerr, net.ErrClosed) {
		err = errors.Join(err, cerr)
	}
	return errors.Join(err, s.lock.release())
}

// unlink removes our own link and socket file and no other's. The lock keeps other daemons from putting
// theirs in the place between the look and the removal.
func (s *Socket) unlink() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.unlinkLink(), s.unlinkFile())
}

func (s *Socket) unlinkFile() error {
	now, err := os.Lstat(s.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, s.file) {
		return nil
	}
	if err == nil {
		err = os.Remove(s.path)
	}
	if err != nil {
		return fmt.Errorf("remove control socket: %w", err)
	}
	return nil
}
