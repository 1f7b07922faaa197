package control

import (
	"log/slog"
	"net"
	"sync"
)

const (
	// maxConns bounds the connections served at once; one more is closed as soon as accepted.
	maxConns = 256
	// rootConns of them are kept for root and the daemon's own user, so that no viewer can lock out
	// who may act.
	rootConns = 32
)

// gate accepts connections, learns who is there, and bounds their number.
type gate struct {
	net.Listener
	creds credentials
	own   uint32 // as which the daemon runs
	log   *slog.Logger

	mu     sync.Mutex
	open   int // all connections
	others int // those of viewers
	full   bool
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
	if g.open >= maxConns || g.viewer(p) && g.others >= maxConns-rootConns {
		if !g.full {
			g.log.Warn("close excess control connections", "uid", p.UID, "pid", p.PID, "open", g.open)
		}
		g.full = true
		return false
	}
	g.open++
	if g.viewer(p) {
		g.others++
	}
	return true
}

// leave frees a place. Half of them must be free before a full gate is worth another line in the
// log.
func (g *gate) leave(p Peer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if g.viewer(p) {
		g.others--
	}
	if g.open <= maxConns/2 {
		g.full = false
	}
}
