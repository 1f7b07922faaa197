package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"
)

// mendEvery is the time between two looks whether clients still find the socket.
const mendEvery = time.Second

// doorway is a listener at the socket's path, whatever file is there: one that was removed and made anew is
// another socket to the kernel.
type doorway struct{ socket *Socket }

// Accept waits for a connection.
func (d doorway) Accept() (net.Conn, error) {
	for {
		l := d.socket.current()
		c, err := l.Accept()
		if err == nil || d.socket.current() == l {
			return c, err
		}
	}
}

// Close stops listening.
func (d doorway) Close() error { return d.socket.current().Close() }

// Addr returns where it listens.
func (d doorway) Addr() net.Addr { return d.socket.current().Addr() }

func (s *Socket) current() *net.UnixListener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listener
}

// mend sees to it that clients find the socket: its file, the lock that keeps a second daemon away, and the
// link that leads to it. What was removed is made anew, which mended tells; what cannot be is the error. Who
// is connected stays so.
func (s *Socket) mend() (mended bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, mend := range []func() (bool, error){s.mendLock, s.mendFile, s.mendLink} {
		did, err := mend()
		if err != nil {
			return mended, fmt.Errorf("make the control socket anew, which was removed: %w", err)
		}
		mended = mended || did
	}
	return mended, nil
}

func (s *Socket) mendLock() (bool, error) {
	if is, err := isFile(s.lock.file, s.lock.path); is || err != nil {
		return false, err
	}
	if err := ensureParent(s.path); err != nil {
		return false, err
	}
	lock, err := acquireLock(s.lock.path)
	if errors.Is(err, errLocked) {
		return false, &RunningError{Path: s.path, Ours: true}
	}
	if err != nil {
		return false, err
	}
	old := s.lock
	s.lock = lock
	return true, old.file.Close()
}

func (s *Socket) mendFile() (bool, error) {
	now, err := os.Lstat(s.path)
	if err == nil && os.SameFile(now, s.file) {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	listener, file := s.listener, s.file
	if err := s.bind(); err != nil {
		s.listener, s.file = listener, file
		return false, err
	}
	return true, listener.Close()
}

func (s *Socket) mendLink() (bool, error) {
	if s.link == "" {
		return false, nil
	}
	if to, err := os.Readlink(s.link); err == nil && to == s.path {
		return false, nil
	}
	return true, s.Link(s.link)
}

// mending looks again and again whether clients find the socket, until ctx ends.
func (s *Server) mending(ctx context.Context) {
	look := time.NewTicker(mendEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		mended, err := s.socket.mend()
		if mended {
			s.log.Warn("control socket", "warning", "it was removed, and was made anew")
		}
		s.unreachable.Store(&err)
	}
}

// Unreachable returns what keeps new clients from finding the daemon, or nil. It never waits.
func (s *Server) Unreachable() error {
	if err := s.unreachable.Load(); err != nil {
		return *err
	}
	return nil
}
