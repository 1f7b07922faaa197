package control

import (
	"log/slog"
	"net"
	"sync"
	"time"
)

const (
	// maxConns bounds the connections served at once; one more is closed as soon as accepted.
	maxConns = 256
	// rootConns of them are kept for root and the daemon's own user, so that no viewer can lock out
	// who may act.
	rootConns = 32
	// userConns bounds those of one viewer, so that he cannot keep the others out.
	userConns = 64
	// excessEvery is the least time between two lines in the log about closed ones. Viewers must not be able
	// to use up what the log has room for.
	excessEvery = time.Minute
)

// gate accepts connections, learns who is there, and bounds their number.
type gate struct {
	net.Listener
	creds credentials
	own   uint32 // as which the daemon runs
	log   *slog.Logger

	mu      sync.Mutex
	open    int            // all connections
	others  int            // those of viewers
	viewers map[uint32]int // and of each of them, by uid; none is 0
	told    time.Time      // when the log was told last
}

// peerConn is an accepted connection that knows its peer.
type peerConn struct {
	net.Conn
	peer  Peer
	leave func()
}

// Close closes the connection and frees its place, once.
func (c *peerConn) Close() error {
	err := c.Conn.Close()
	c.leave()
	return err
}

// Accept returns the next connection that has a place. Connections whose peer the kernel does not
// tell are closed.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		p, err := g.creds.peer(c)
		if err != nil {
			g.log.Warn("close control connection", "cause", err)
			_ = c.Close()
			continue
		}
		if !g.enter(p) {
			_ = c.Close()
			continue
		}
		return &peerConn{Conn: c, peer: p, leave: sync.OnceFunc(func() { g.leave(p) })}, nil
	}
}

// viewer reports whether a peer can do no more than look.
func (g *gate) viewer(p Peer) bool { return p.UID != 0 && p.UID != g.own }

func (g *gate) enter(p Peer) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	viewer := g.viewer(p)
	if g.open >= maxConns || viewer && (g.others >= maxConns-rootConns || g.viewers[p.UID] >= userConns) {
		if g.told.IsZero() || time.Since(g.told) >= excessEvery {
			g.told = time.Now()
			g.log.Warn("close excess control connections", "uid", p.UID, "pid", p.PID, "open", g.open)
		}
		return false
	}
	g.open++
	if viewer {
		if g.viewers == nil {
			g.viewers = make(map[uint32]int)
		}
		g.others++
		g.viewers[p.UID]++
	}
	return true
}

// leave frees a place.
func (g *gate) leave(p Peer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if !g.viewer(p) {
		return
	}
	g.others--
	if g.viewers[p.UID]--; g.viewers[p.UID] == 0 {
		delete(g.viewers, p.UID)
	}
}
