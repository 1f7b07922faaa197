package lab

import "sync"

// Stall makes the server accept nothing more until Resume, as an application that hangs: accepted
// connections are served on, new ones wait in the accept queue until it is full. One connection for
// each listener, which was about to be accepted, may still be.
func (s *Server) Stall() { s.stall.begin() }

// Resume ends a Stall.
func (s *Server) Resume() { s.stall.end() }

// Waiting returns how many connections wait in the server's accept queues.
func (s *Server) Waiting() int {
	n := 0
	for _, g := range s.gates {
		n += g.waiting()
	}
	return n
}

// Leak makes the server forget to close its connections until Mend: those it is done with keep
// their sockets, in CLOSE_WAIT once the peer has closed, and their slots, at most as many as the
// server's capacity.
func (s *Server) Leak() { s.leaks.begin() }

// Mend closes what was leaked, and the server leaks no more.
func (s *Server) Mend() { s.leaks.end() }

// stall holds up those who wait for over. The zero value holds up nobody.
type stall struct {
	mu    sync.Mutex
	ended chan struct{} // closed: not stalled; nil: never was
}

func (s *stall) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stalled() {
		s.ended = make(chan struct{})
	}
}

func (s *stall) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stalled() {
		close(s.ended)
	}
}

// over returns a channel that is closed when the present stall is over.
func (s *stall) over() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.ended = make(chan struct{})
		close(s.ended)
	}
	return s.ended
}

// stalled needs mu.
func (s *stall) stalled() bool {
	if s.ended == nil {
		return false
	}
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// leaks keeps the connections a server has forgotten to close. Each holds a slot, which bounds them.
type leaks struct {
	mu   sync.Mutex
	on   bool
	over bool // the server ends: nothing may leak any more
	kept []*slotConn
}

func (l *leaks) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on = !l.over
}

func (l *leaks) end() {
	l.mu.Lock()
	kept := l.kept
	l.on, l.kept = false, nil
	l.mu.Unlock()
	for _, c := range kept {
		_ = c.free() // the peer may have reset it
	}
}

func (l *leaks) shut() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	l.end()
}

// keep takes over a connection that should be closed now, or returns false.
func (l *leaks) keep(c *slotConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.on {
		l.kept = append(l.kept, c)
	}
	return l.on
}

func (l *leaks) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.kept)
}
