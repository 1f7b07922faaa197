package control

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// serveRaw reads one request from every connection at a fresh path and calls answer.
func serveRaw(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	path := filepath.Join(shortDir(t), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					answer(c)
				}
			}()
		}
	}()
	return path
}

// TestDeniedToAct has a group that may connect: joining it would not help who wants to change something.
func TestDeniedToAct(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	permitted(t, os.Chown(path, -1, viewGID))
	if err := os.Chmod(path, 0o660); err != nil {
		t.Fatal(err)
	}
	c := Dial(path)
	for method, says := range map[string]string{http.MethodGet: "join it (usermod -aG", http.MethodPost: "not permitted: only root may; try sudo"} {
		if err := c.explain(t.Context(), method, syscall.EACCES); !errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", method, err, says)
		}
	}
}

func TestUnreachable(t *testing.T) {
	stale := filepath.Join(shortDir(t), "s")
	dead(t, stale)
	cut := "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"result\":"
	for name, tt := range map[string]struct {
		path  string
		cause error
	}{
		"no file":          {filepath.Join(shortDir(t), "s"), syscall.ENOENT},
		"dead daemon":      {stale, syscall.ECONNREFUSED},
		"closed at once":   {serveRaw(t, func(net.Conn) {}), nil},
		"dies in mid-word": {serveRaw(t, func(c net.Conn) { _, _ = io.WriteString(c, cut) }), io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			c := Dial(tt.path)
			defer c.Close()
			_, err := c.Status(t.Context())
			if !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrForbidden) {
				t.Errorf("got %v, want ErrUnreachable", err)
			}
			if tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("got %v, want the cause %v", err, tt.cause)
			}
			if !strings.Contains(err.Error(), tt.path) || !strings.Contains(err.Error(), "is it running? (systemctl status ebbgate)") {
				t.Errorf("message: %v", err)
			}
			if strings.Contains(err.Error(), "http://") {
				t.Errorf("message shows the made-up address: %v", err)
			}
		})
	}
}

func TestAskUntilTheCallerGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path := serveRaw(t, func(c net.Conn) {
		cancel() // the request has arrived and is never answered
		_, _ = io.Copy(io.Discard, c)
	})
	_, err := Dial(path).Status(ctx)
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v, want context.Canceled and no blame on the daemon", err)
	}
}

func TestAnotherProgramsSocket(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	_, err = Dial(path).Status(t.Context())
	if err == nil || !strings.Contains(err.Error(), "HTTP status 404") || !strings.Contains(err.Error(), "another program's socket") {
		t.Errorf("got %v", err)
	}
}

func TestDeniedAtNamesTheGroup(t *testing.T) {
	allIDs(t)
	name, gid := anyGroup(t)
	dir := shortDir(t)
	for _, tt := range []struct {
		file string
		mode os.FileMode
		gid  int
		says string
	}{
		{"group", 0o660, int(gid), `members of group "` + name + `"`},
		{"nameless", 0o660, 4_000_123, `members of group "4000123"`},
		{"closed", 0o600, int(gid), "only root may; try sudo"},
		{"read_only", 0o640, int(gid), "only root may; try sudo"},
		{"roots", 0o660, 0, "only root may; try sudo"},
	} {
		path := filepath.Join(dir, tt.file)
		dead(t, path)
		permitted(t, os.Chown(path, -1, tt.gid))
		if err := os.Chmod(path, tt.mode); err != nil {
			t.Fatal(err)
		}
		err := error(deniedAt(path))
		if !errors.Is(err, ErrForbidden) || errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want %q", tt.file, err, tt.says)
		}
	}
	if err := deniedAt(filepath.Join(dir, "none")); err.Group != "" {
		t.Errorf("no file: group %q", err.Group)
	}
}
