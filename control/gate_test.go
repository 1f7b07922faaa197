package control

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
)

// queue is a listener whose connections come from a test.
type queue struct {
	conns  chan net.Conn // unbuffered: a push ends when the gate has taken the connection
	closed chan struct{}
	once   sync.Once
}

func newQueue() *queue { return &queue{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (q *queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.closed:
		return nil, net.ErrClosed
	}
}

func (q *queue) Close() error   { q.once.Do(func() { close(q.closed) }); return nil }
func (q *queue) Addr() net.Addr { return &net.UnixAddr{Name: "test", Net: "unix"} }

// pipeEnd is a connection whose peer is known beforehand; nil: the kernel will not say.
type pipeEnd struct {
	net.Conn
	peer *Peer
}

type toldCredentials struct{}

func (toldCredentials) peer(c net.Conn) (Peer, error) {
	if p := c.(pipeEnd).peer; p != nil {
		return *p, nil
	}
	return Peer{}, errors.New("no credentials")
}

// gated is a gate fed by a test; what it lets in arrives in conns.
type gated struct {
	*gate
	q     *queue
	conns chan net.Conn // capacity above maxConns: the accepting goroutine never waits
	log   *bytes.Buffer // read it after stop
	done  chan struct{}
}

func startGate() *gated {
	g := &gated{q: newQueue(), conns: make(chan net.Conn, 2*maxConns), log: new(bytes.Buffer), done: make(chan struct{})}
	g.gate = &gate{Listener: g.q, creds: toldCredentials{}, own: ownUID, log: slog.New(slog.NewTextHandler(g.log, nil))}
	go func() {
		defer close(g.done)
		for {
			c, err := g.Accept()
			if err != nil {
				return
			}
			g.conns <- c
		}
	}()
	return g
}

// connect pushes one connection and reports whether it was let in. A refused one reads EOF.
func (g *gated) connect(p *Peer) (net.Conn, bool) {
	ours, theirs := net.Pipe()
	g.q.conns <- pipeEnd{theirs, p}
	refused := make(chan struct{})
	go func() {
		defer close(refused)
		_, _ = ours.Read(make([]byte, 1))
	}()
	select {
	case c := <-g.conns:
		return c, true
	case <-refused:
		return nil, false
	}
}

func (g *gated) stop() {
	_ = g.q.Close()
	<-g.done
}

func (g *gated) fill(t *testing.T, p *Peer, n int) []net.Conn {
	t.Helper()
	var in []net.Conn
	for i := range n {
		c, ok := g.connect(p)
		if !ok {
			t.Fatalf("connection %d of %d was refused", i+1, n)
		}
		in = append(in, c)
	}
	return in
}

func TestGateBounds(t *testing.T) {
	root, viewer := &Peer{}, &Peer{UID: 1000}
	g := startGate()
	in := g.fill(t, viewer, 1)
	g.crowd(t, maxConns-rootConns-1)
	for range 3 {
		if _, ok := g.connect(viewer); ok {
			t.Fatal("a viewer took a place that is kept for root")
		}
	}
	g.fill(t, root, rootConns-1)
	g.fill(t, &Peer{UID: ownUID}, 1)
	if _, ok := g.connect(root); ok {
		t.Fatalf("more than %d connections at once", maxConns)
	}
	// A connection counts once, however often it is closed.
	for range 3 {
		_ = in[0].Close()
	}
	g.fill(t, viewer, 1)
	if _, ok := g.connect(viewer); ok {
		t.Fatal("one connection that was closed freed two places")
	}
	g.stop()
	if n := strings.Count(g.log.String(), "close excess"); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, g.log)
	}
}

// crowd lets in viewers of whom none has more places than another, by one at most.
func (g *gated) crowd(t *testing.T, n int) {
	t.Helper()
	for i := range uint32(n) {
		g.fill(t, &Peer{UID: 2000 + i%10}, 1)
	}
}

// TestGateKeepsRoomForOtherViewers fills the places of one, twice.
func TestGateKeepsRoomForOtherViewers(t *testing.T) {
	one, other := &Peer{UID: 1000}, &Peer{UID: 1001}
	g := startGate()
	for range 2 {
		in := g.fill(t, one, userConns)
		if _, ok := g.connect(one); ok {
			t.Fatalf("one viewer has more than %d connections", userConns)
		}
		g.fill(t, other, 1)
		for _, c := range in {
			_ = c.Close()
		}
	}
	g.stop()
	if n := len(g.viewers); n != 1 {
		t.Errorf("%d viewers are remembered, want the one who is left", n)
	}
}

// TestGateLogsOnceAMinute: however often a viewer fills his places and leaves them.
func TestGateLogsOnceAMinute(t *testing.T) {
	viewer := &Peer{UID: 1000}
	g := startGate()
	for minute := range 2 {
		for range 3 {
			in := g.fill(t, viewer, userConns)
			if _, ok := g.connect(viewer); ok {
				t.Fatal("the gate is not full")
			}
			for _, c := range in {
				_ = c.Close()
			}
		}
		g.mu.Lock()
		if n := strings.Count(g.log.String(), "close excess"); n != minute+1 {
			t.Errorf("logged %d times in %d minutes", n, minute+1)
		}
		g.told = g.told.Add(-excessEvery)
		g.mu.Unlock()
	}
	g.stop()
}

func TestGateClosesTheUnknown(t *testing.T) {
	g := startGate()
	if _, ok := g.connect(nil); ok {
		t.Error("a peer without credentials was let in")
	}
	if _, ok := g.connect(&Peer{UID: 1}); !ok {
		t.Error("the gate stopped after it")
	}
	g.stop()
	if !strings.Contains(g.log.String(), "no credentials") {
		t.Errorf("log does not say why: %s", g.log)
	}
}
