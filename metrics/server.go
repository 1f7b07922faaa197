package metrics

import (
	"log/slog"
	"net/netip"
	"time"

	"ebbgate/control"
)

// retryEvery is the least time between two attempts to listen.
const retryEvery = 5 * time.Second

// Server serves metrics. Publish may be called by any goroutine; Serve and Close are called by one.
type Server struct {
	exposition *exposition
	log        *slog.Logger

	at      netip.AddrPort // where to serve; not valid: nowhere
	running *listening     // nil: not
	err     error          // why not
	again   time.Time      // when to try next
}

// New returns a Server that listens nowhere. What clients do wrong is logged at level debug.
func New(log *slog.Logger) *Server { return &Server{exposition: newExposition(), log: log} }

// Publish has a status shown from now on, which must not be changed any more. It never waits.
func (s *Server) Publish(status *control.Status) { s.exposition.latest.Store(status) }

// Serve sees to it that metrics are served at an address and nowhere else; one that is not valid is nowhere.
// It costs next to nothing where that holds, so that it can be called all the time, and must be for a
// second attempt: where an address cannot be listened at it returns why, and tries again every five
// seconds. Who is connected to an address that is left is cut off.
func (s *Server) Serve(at netip.AddrPort) error {
	if at != s.at {
		s.stop()
		s.at, s.err, s.again = at, nil, time.Time{}
	}
	if !at.IsValid() {
		return nil
	}
	if s.running != nil {
		if s.err = s.running.failure(); s.err == nil {
			return nil
		}
		s.stop()
		s.again = time.Now().Add(retryEvery)
	}
	if time.Now().Before(s.again) {
		return s.err
	}
	s.running, s.err = listen(at, s.exposition, s.log)
	s.again = time.Now().Add(retryEvery)
	return s.err
}

// Close ends serving, and every request.
func (s *Server) Close() error {
	s.stop()
	s.at = netip.AddrPort{}
	return nil
}

func (s *Server) stop() {
	if s.running != nil {
		s.running.stop()
		s.running = nil
	}
}
