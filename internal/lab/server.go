package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	defaultBacklog     = 511 // as nginx
	defaultIdleTimeout = 2 * time.Minute
	mostListeners      = 16
	mostAcceptTime     = time.Second
)

// ServerConfig describes a Server.
type ServerConfig struct {
	// Listen holds 1 to 16 addresses. The unspecified IPv6 address serves both families.
	Listen []netip.AddrPort
	// V6Only keeps the unspecified IPv6 address from serving IPv4.
	V6Only bool
	// Capacity is how many accepted connections the server holds at once, at least 1. Each takes
	// a goroutine, of which the race detector allows 8,128 in all.
	Capacity int
	// Backlog is the length of each accept queue; 0 means 511. The kernel adds one and cuts at
	// net.core.somaxconn.
	Backlog int
	// AcceptTime is how long the server takes over each connection before it accepts the next one
	// of the same listener, as one does that shakes hands (TLS) or forks in between; at most a
	// second. 0: no time. It bounds how many new connections a second the server can stand.
	AcceptTime time.Duration
	// IdleTimeout is how long a connection that sends nothing, or never completes a request,
	// keeps its slot; 0 means two minutes.
	IdleTimeout time.Duration
}

// Server is a small HTTP server with a connection capacity: like an application with so many worker
// slots it accepts no further connection while all are taken, so that the kernel's accept queue
// fills, then overflows. It answers every GET with a short text.
type Server struct {
	slots    chan struct{} // one element for each accepted connection; full: nobody is accepted
	holders  holders
	served   atomic.Uint64
	aborted  atomic.Uint64
	accepted atomic.Uint64
	stall    stall
	leaks    leaks
	gates    []*gate
	task     *task
}

// ServerCounts are a Server's gauges and counters at one moment.
type ServerCounts struct {
	Held     int    // accepted connections that hold a slot now, leaked ones too
	Leaked   int    // of these, those the server has forgotten to close; see Leak
	Accepted uint64 // connections accepted since the start
	Served   uint64 // requests answered in full
	Aborted  uint64 // connections cut: by the peer's reset, or destroyed under the server
}

// StartServer starts a server inside n. It is reachable when StartServer returns.
func StartServer(ctx context.Context, n *Namespace, c ServerConfig) (*Server, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	release, err := n.files.take(c.Capacity+len(c.Listen), "start the server")
	if err != nil {
		return nil, err
	}
	s := &Server{slots: make(chan struct{}, c.Capacity), holders: holders{held: make(map[netip.Addr]int)}}
	s.gates, err = s.open(n, c)
	if err == nil {
		s.task, err = n.startTask(ctx, func(ctx context.Context) error {
			defer release()
			return s.serve(ctx, c.IdleTimeout)
		})
	}
	if err != nil {
		closeAll(s.gates)
		release()
		return nil, fmt.Errorf("start the server: %w", err)
	}
	return s, nil
}

func (c *ServerConfig) complete() error {
	if len(c.Listen) < 1 || len(c.Listen) > mostListeners {
		return fmt.Errorf("%d listen addresses given, 1 to %d are allowed", len(c.Listen), mostListeners)
	}
	for _, at := range c.Listen {
		if !at.IsValid() || at.Port() == 0 || at.Addr().Is4In6() {
			return fmt.Errorf("listen address %s: want a plain IPv4 or IPv6 address and a port", at)
		}
	}
	if c.Capacity < 1 {
		return fmt.Errorf("capacity %d: at least 1 is needed", c.Capacity)
	}
	if c.Backlog < 0 || c.IdleTimeout < 0 {
		return fmt.Errorf("backlog %d and idle time-out %s must not be negative", c.Backlog, c.IdleTimeout)
	}
	if c.AcceptTime < 0 || c.AcceptTime > mostAcceptTime {
		return fmt.Errorf("accept time %s: 0 to %s is allowed", c.AcceptTime, mostAcceptTime)
	}
	if c.Backlog == 0 {
		c.Backlog = defaultBacklog
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = defaultIdleTimeout
	}
	return nil
}

// open makes all listening sockets; on an error the caller closes those that were made.
func (s *Server) open(n *Namespace, c ServerConfig) (gates []*gate, err error) {
	err = n.Do(func() error {
		for _, at := range c.Listen {
			f, err := listen(at, c.V6Only, c.Backlog)
			if err != nil {
				return err
			}
			gates = append(gates, newGate(s, at, f, c.AcceptTime))
		}
		return nil
	})
	return gates, err
}

// serve runs until ctx ends, then closes every connection.
func (s *Server) serve(ctx context.Context, idle time.Duration) error {
	h := &http.Server{
		Handler:           http.HandlerFunc(s.answer),
		ReadHeaderTimeout: idle,
		IdleTimeout:       idle,
		ErrorLog:          log.New(io.Discard, "", 0), // floods would fill it; Aborted counts
	}
	ended := make(chan error, len(s.gates))
	for _, g := range s.gates {
		go func() { ended <- h.Serve(g) }()
	}
	<-ctx.Done()
	s.leaks.shut()
	// The first Close makes Serve return; it misses gates that Serve has not seen yet and
	// connections accepted meanwhile, so the gates are closed here and the rest by the second.
	errs := []error{h.Close()}
	closeAll(s.gates)
	for range s.gates {
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, h.Close())
	s.drain()
	return errors.Join(errs...)
}

// drain waits until every connection has given back its slot. All are closed; their goroutines may
// still be on the way out.
func (s *Server) drain() {
	for range cap(s.slots) {
		s.slots <- struct{}{}
	}
	for range cap(s.slots) {
		<-s.slots
	}
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		http.Error(w, "only GET is served here", http.StatusMethodNotAllowed)
		return
	}
	if _, err := io.WriteString(w, "served\n"); err == nil {
		s.served.Add(1)
	}
}

// Counts returns the gauges and counters.
func (s *Server) Counts() ServerCounts {
	return ServerCounts{
		Held:     len(s.slots),
		Leaked:   s.leaks.count(),
		Accepted: s.accepted.Load(),
		Served:   s.served.Load(),
		Aborted:  s.aborted.Load(),
	}
}

// HeldBy returns how many slots each source holds now. Mapped addresses appear as IPv4; a source
// that holds none is absent.
func (s *Server) HeldBy() map[netip.Addr]int { return s.holders.counts() }

// Stop closes the listeners and all connections and waits for it.
func (s *Server) Stop() error { return s.task.stop() }
