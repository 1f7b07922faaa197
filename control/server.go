package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	readTimeout  = 5 * time.Second  // for a whole request
	writeTimeout = 10 * time.Second // from its header to the end of the answer
	idleTimeout  = 30 * time.Second // between two requests
	stopGrace    = time.Second      // for answers under way when the daemon stops
	maxHeader    = 8 << 10          // bytes; net/http allows 4 KiB more
)

// Server hands out what the daemon publishes. Publishing never waits, and neither slow nor many
// clients can hold up the publisher: a client that does not read or write is cut by time-outs,
// and excess connections are closed as soon as accepted.
type Server struct {
	socket      *Socket
	viewers     group
	uid         uint32 // as which the daemon runs
	log         *slog.Logger
	status      atomic.Pointer[snapshot[Status]]
	ruleset     atomic.Pointer[snapshot[Ruleset]]
	attacks     atomic.Pointer[snapshot[Attacks]]
	explain     atomic.Pointer[func(netip.Addr) *Explanation]
	sources     atomic.Pointer[sourceAnswers]
	events      atomic.Pointer[latest]
	unreachable atomic.Pointer[error] // why new clients do not find the socket
	archive     Archive               // nil: none
	turn        chan struct{}         // holds one token: explanations and lists of sources are made one at a time
	disk        chan struct{}         // likewise: the archive is asked one question at a time, and a disk that hangs holds up no other answer
	orders      chan *Order           // capacity maxOrders; when it is full, the asker is told so

	waiting    waiting    // for an event
	eventPages eventPages // the latest
	unread     unread     // answers under way
}

// NewServer returns a server for the socket, which it owns from now on. Until something is
// published it answers that the daemon is starting.
func NewServer(socket *Socket, log *slog.Logger) *Server {
	s := &Server{socket: socket, viewers: socket.viewers, uid: uint32(os.Geteuid()), log: log}
	s.open()
	return s
}

// open makes the channels.
func (s *Server) open() {
	s.turn, s.disk, s.orders = make(chan struct{}, 1), make(chan struct{}, 1), make(chan *Order, maxOrders)
}

// Publish makes status the answer from now on. Neither it nor what it points to may be changed
// afterwards. It may be called from any goroutine.
func (s *Server) Publish(status *Status) { s.status.Store(newSnapshot(status.bounded())) }

// PublishRuleset makes what ruleset returns the answer from now on. Writing rules out can take a
// while where 100,000 sources are limited, so it is called only if somebody asks, at most once,
// and from another goroutine.
func (s *Server) PublishRuleset(ruleset func() *Ruleset) {
	s.ruleset.Store(&snapshot[Ruleset]{value: ruleset})
}

// PublishAttacks makes what attacks returns the answer from now on. It is called as the function
// given to PublishRuleset is; what it returns must not be changed afterwards.
func (s *Server) PublishAttacks(attacks func() *Attacks) {
	s.attacks.Store(&snapshot[Attacks]{value: func() *Attacks { return attacks().bounded() }})
}

// PublishExplain makes explain the source of explanations from now on. It is called for each
// question, by one goroutine at a time but any, also after a later one was published; it must not
// wait for the loop, and it returns nil for an address it can say nothing about.
func (s *Server) PublishExplain(explain func(netip.Addr) *Explanation) { s.explain.Store(&explain) }

// PublishSources makes what list returns the source of answers about sources from now on. It is called only
// if somebody asks, at most once, from another goroutine, also after a later one was published; what it
// returns must not be changed afterwards.
func (s *Server) PublishSources(list func() *SourceList) { s.sources.Store(&sourceAnswers{list: list}) }

// Run serves until ctx ends, then closes the socket, removes its file and returns nil. When the file is
// removed meanwhile, it is made anew within a second, or Unreachable says why not; who is connected stays so.
// Any other end is an error, and the socket is closed too. It can be called once.
func (s *Server) Run(ctx context.Context) error {
	return s.serve(ctx, &gate{Listener: doorway{s.socket}, creds: kernelCredentials{}, own: s.uid, log: s.log})
}

func (s *Server) serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:                      s.handler(),
		DisableGeneralOptionsHandler: true,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeader,
		ErrorLog:                     slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		ConnContext:                  connPeer,
		BaseContext:                  func(net.Listener) context.Context { return ctx }, // nobody waits for a loop that has ended
	}
	served := make(chan error, 1) // capacity 1: the sender below never waits
	go func() { served <- srv.Serve(l) }()
	mend, leave := context.WithCancel(ctx)
	var mending sync.WaitGroup
	mending.Go(func() { s.mending(mend) })
	defer leave()
	select {
	case err := <-served:
		leave()
		mending.Wait()
		return errors.Join(fmt.Errorf("serve control socket: %w", err), srv.Close(), s.socket.Close())
	case <-ctx.Done():
	}
	mending.Wait()
	err := s.socket.unlink() // first, so that nobody new comes
	grace, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	if srv.Shutdown(grace) != nil {
		err = errors.Join(err, srv.Close())
	}
	<-served
	return errors.Join(err, s.socket.Close())
}

func connPeer(ctx context.Context, c net.Conn) context.Context {
	if pc, ok := c.(*peerConn); ok {
		return withPeer(ctx, pc.peer)
	}
	return ctx
}
