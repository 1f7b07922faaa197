package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// running is a server on a real socket.
type running struct {
	*Server
	t    *testing.T
	path string
	stop func() error // ends it and returns what Run returned
}

func start(t *testing.T) *running {
	t.Helper()
	path := filepath.Join(shortDir(t), "s")
	r := &running{t: t, Server: NewServer(mustListen(t, path, ""), quiet()), path: path}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // capacity 1: Run's goroutine ends even if nobody asks
	go func() { ended <- r.Run(ctx) }()
	stopped := false
	r.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() { _ = r.stop() })
	return r
}

// asRoot skips a test that only root may pass.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		permitted(t, syscall.EPERM)
	}
}

func TestServeAndAsk(t *testing.T) {
	asRoot(t)
	srv := start(t)
	c := Dial(srv.path)
	defer c.Close()
	_, err := c.Status(t.Context())
	if refusal := (*Error)(nil); !errors.As(err, &refusal) || refusal.Kind != KindStarting {
		t.Errorf("before anything is published: %v", err)
	}
	srv.Publish(peace())
	for _, version := range []string{"0.1.0", "0.2.0"} {
		s := peace()
		s.Version = version
		srv.Publish(s)
		got, err := c.Status(t.Context())
		if err != nil || got.Version != version {
			t.Errorf("got %v, %v; want version %s", got, err, version)
		}
	}
	want := Ruleset{Text: strings.Repeat("add element\n", 100_000), Would: "\x1b"}
	srv.PublishRuleset(func() *Ruleset { return &want })
	if got, err := c.Ruleset(t.Context()); err != nil || *got != want {
		t.Errorf("ruleset: %v; want the published one", err)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	srv := start(t)
	idle, err := net.Dial("unix", srv.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	if err := srv.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if got := names(t, filepath.Dir(srv.path)); got != "" {
		t.Errorf("left behind: %q", got)
	}
	if _, err := Dial(srv.path).Status(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("after the end: got %v, want ErrUnreachable", err)
	}
}

func TestStopBeforeTheFirstRequest(t *testing.T) {
	srv := NewServer(mustListen(t, filepath.Join(shortDir(t), "s"), ""), quiet())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := srv.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestRunReportsABrokenListener(t *testing.T) {
	srv := NewServer(mustListen(t, filepath.Join(shortDir(t), "s"), ""), quiet())
	if err := srv.socket.listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := srv.Run(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want net.ErrClosed", err)
	}
	if got := names(t, filepath.Dir(srv.socket.Path())); got != "" {
		t.Errorf("left behind: %q", got)
	}
}

func TestServesOnWithoutItsFile(t *testing.T) {
	asRoot(t)
	srv := start(t)
	srv.Publish(peace())
	c, err := net.Dial("unix", srv.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := os.Remove(srv.path); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(c, "GET /v1/status HTTP/1.1\r\nHost: ebbgate\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %v, %v", resp, err)
	}
	_ = resp.Body.Close()
	if err := srv.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// TestStalledClientsDoNotStallThePublisher fills every place with clients that say half a request
// and no more. Publishing goes on, and one client more is closed at once instead of waiting.
func TestStalledClientsDoNotStallThePublisher(t *testing.T) {
	asRoot(t)
	srv := start(t)
	for range maxConns {
		c, err := net.Dial("unix", srv.path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if _, err := fmt.Fprint(c, "GET /v1/status HTTP/1.1\r\nHost:"); err != nil {
			t.Fatal(err)
		}
	}
	for range 1000 {
		srv.Publish(attack())
	}
	extra, err := net.Dial("unix", srv.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = extra.Close() }()
	if b, err := io.ReadAll(extra); len(b) != 0 {
		t.Errorf("one connection too many: got %q, %v; want it closed", b, err)
	}
}

func TestHeaderIsBounded(t *testing.T) {
	srv := start(t)
	c, err := net.Dial("unix", srv.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	// The server may answer and close before all is written.
	_, _ = fmt.Fprintf(c, "GET /v1/status HTTP/1.1\r\nHost: ebbgate\r\nX: %s\r\n\r\n", strings.Repeat("x", 64<<10))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return // reset before the answer could be read
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d, want 431", resp.StatusCode)
	}
}
