package control

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// well reports whether a new client is served.
func (r *running) well() bool {
	c := Dial(r.path)
	defer c.Close()
	_, err := c.Status(r.t.Context())
	return err == nil && r.Unreachable() == nil
}

// await polls a condition for ten seconds.
func (r *running) await(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited in vain: %s; unreachable: %v", what, r.Unreachable())
		}
	}
}

// TestWhatIsRemovedIsMadeAnew: the socket, the lock, both with their directory, or something dead in the
// socket's place. Who is connected stays so, and the end leaves nothing.
func TestWhatIsRemovedIsMadeAnew(t *testing.T) {
	asRoot(t)
	for name, remove := range map[string]func(path string) error{
		"socket": os.Remove,
		"lock":   func(path string) error { return os.Remove(path + lockSuffix) },
		"both":   func(path string) error { return errors.Join(os.Remove(path), os.Remove(path+lockSuffix)) },
		"directory": func(path string) error {
			return os.RemoveAll(filepath.Dir(path))
		},
		"replaced": func(path string) error {
			err := os.Remove(path)
			dead(t, path)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t)
			r.Publish(peace())
			c := Dial(r.path)
			defer c.Close()
			if _, err := c.Status(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := remove(r.path); err != nil {
				t.Fatal(err)
			}
			r.await("a lock, and new clients are served", func() bool {
				_, err := os.Stat(r.path + lockSuffix)
				return err == nil && r.well()
			})
			running := (*RunningError)(nil)
			if _, err := Listen(r.path, ""); !errors.As(err, &running) || !running.Ours {
				t.Errorf("a second daemon is told %v", err)
			}
			if _, err := c.Status(t.Context()); err != nil {
				t.Errorf("who was connected: %v", err)
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
			if left := names(t, filepath.Dir(r.path)); left != "" {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// TestWhatIsInTheWayIsSaid: a file of somebody's is left alone; once it is gone the socket comes back.
func TestWhatIsInTheWayIsSaid(t *testing.T) {
	asRoot(t)
	r := start(t)
	r.Publish(peace())
	if err := os.Remove(r.path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.await("it says what is in the way", func() bool { return errors.Is(r.Unreachable(), ErrNotSocket) })
	if err := r.Unreachable(); !strings.Contains(err.Error(), "remove it") || !strings.Contains(err.Error(), r.path) {
		t.Errorf("it says %v", err)
	}
	if b, err := os.ReadFile(r.path); err != nil || string(b) != "precious" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	if err := os.Remove(r.path); err != nil {
		t.Fatal(err)
	}
	r.await("new clients are served", r.well)
}

// TestMendFollowsTheLink: a link that is removed, or leads elsewhere, leads to the socket again.
func TestMendFollowsTheLink(t *testing.T) {
	dir := shortDir(t)
	s := mustListen(t, filepath.Join(dir, "s"), "")
	defer func() { _ = s.Close() }()
	link := filepath.Join(dir, "link")
	if err := s.Link(link); err != nil {
		t.Fatal(err)
	}
	if mended, err := s.mend(); mended || err != nil {
		t.Errorf("with nothing to mend: %t, %v", mended, err)
	}
	for _, instead := range []string{"", filepath.Join(dir, "nowhere")} {
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
		if instead != "" {
			if err := os.Symlink(instead, link); err != nil {
				t.Fatal(err)
			}
		}
		mended, err := s.mend()
		if to, lerr := os.Readlink(link); !mended || err != nil || lerr != nil || to != s.path {
			t.Errorf("instead of %q: %t, %v; it leads to %q, %v", instead, mended, err, to, lerr)
		}
	}
}

// TestNoMendingAfterTheEnd: who ends the server waits for no look, and none comes after.
func TestNoMendingAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{log: quiet()}
		if err := s.Unreachable(); err != nil {
			t.Errorf("before the first look: %v", err)
		}
		ended, end := context.WithCancel(t.Context())
		began := time.Now()
		go func() { time.Sleep(mendEvery / 2); end() }()
		s.mending(ended) // it has no socket to look at
		if took := time.Since(began); took != mendEvery/2 {
			t.Errorf("it ended after %v", took)
		}
	})
}

var _ net.Listener = doorway{}
