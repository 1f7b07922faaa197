package control

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestLinkLeadsToTheSocket(t *testing.T) {
	for name, put := range map[string]func(t *testing.T, link, to string){
		"nothing there":             func(*testing.T, string, string) {},
		"a dead daemon's socket":    func(t *testing.T, link, _ string) { dead(t, link) },
		"its own, left by a crash":  func(t *testing.T, link, to string) { symlink(t, to, link) },
		"another, left by a crash":  func(t *testing.T, link, _ string) { dead(t, link+".old"); symlink(t, link+".old", link) },
		"one that leads to nothing": func(t *testing.T, link, _ string) { symlink(t, "/nonexistent", link) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := shortDir(t)
			link, path := filepath.Join(dir, "link"), filepath.Join(dir, "s")
			put(t, link, path)
			s := mustListen(t, path, "")
			if err := s.Link(link); err != nil {
				t.Fatal(err)
			}
			if pid, err := answering(link); err != nil || pid != os.Getpid() {
				t.Errorf("pid %d answers (%v)", pid, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			_ = os.Remove(link + ".old")
			if left := names(t, dir); left != "" {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestLinkLeavesOthersAlone(t *testing.T) {
	dir := shortDir(t)
	file, living := filepath.Join(dir, "file"), filepath.Join(dir, "living")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	other := mustListen(t, living, "")
	s := mustListen(t, filepath.Join(dir, "s"), "")
	if err := s.Link(file); !errors.Is(err, ErrNotSocket) {
		t.Errorf("a file: got %v", err)
	}
	var running *RunningError
	if err := s.Link(living); !errors.As(err, &running) || running.PID != os.Getpid() {
		t.Errorf("a living daemon: got %v", err)
	}
	if err := s.Link(s.Path()); err != nil {
		t.Errorf("the socket itself: %v", err)
	}
	if err := errors.Join(s.Close(), other.Close()); err != nil {
		t.Error(err)
	}
	if left := names(t, dir); left != "file" {
		t.Errorf("left: %q", left)
	}
}

func TestCloseLeavesAnothersLink(t *testing.T) {
	dir := shortDir(t)
	link := filepath.Join(dir, "link")
	s := mustListen(t, filepath.Join(dir, "s"), "")
	if err := s.Link(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	symlink(t, "/elsewhere", link)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if to, err := os.Readlink(link); err != nil || to != "/elsewhere" {
		t.Errorf("the link leads to %q (%v)", to, err)
	}
}

// TestListenWhereADeadDaemonLinked has a daemon's policy put the socket where the link of the one before
// was, which a crash left.
func TestListenWhereADeadDaemonLinked(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "s")
	for _, to := range []string{filepath.Join(dir, "dead"), "/nonexistent"} {
		symlink(t, to, path)
		if to != "/nonexistent" {
			dead(t, to)
		}
		if err := mustListen(t, path, "").Close(); err != nil {
			t.Error(err)
		}
	}
	other := mustListen(t, filepath.Join(dir, "living"), "")
	symlink(t, other.Path(), path)
	var running *RunningError
	if _, err := Listen(path, ""); !errors.As(err, &running) {
		t.Errorf("a link to a living daemon: got %v", err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}

func symlink(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}
