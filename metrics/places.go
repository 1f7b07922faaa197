package metrics

import (
	"net"
	"net/http"
	"slices"
	"sync"
)

// MaxConns bounds the connections served at once, and so the daemon's descriptors that clients can use up. One
// more has the oldest closed: a scrape lasts milliseconds, so that who is slow goes, and not who is new.
const MaxConns = 16

// places holds the connections of one listener, the oldest first.
type places struct {
	mu   sync.Mutex
	open []net.Conn
}

// follow is told of every change of a connection; see http.Server.ConnState.
func (p *places) follow(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if oldest := p.enter(c); oldest != nil {
			_ = oldest.Close() // its handler sees that
		}
	case http.StateClosed, http.StateHijacked:
		p.leave(c)
	}
}

// enter takes a connection in, and returns the one that has to go for it; nil: none.
func (p *places) enter(c net.Conn) (oldest net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = append(p.open, c)
	if len(p.open) > MaxConns {
		oldest = p.open[0]
		p.open = slices.Delete(p.open, 0, 1)
	}
	return oldest
}

func (p *places) leave(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.open, c); i >= 0 {
		p.open = slices.Delete(p.open, i, i+1)
	}
}
