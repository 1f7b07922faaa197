package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Bounds of one request. A connection serves one and is closed, so that none keeps a place for longer.
const (
	readTimeout  = 5 * time.Second  // for its header
	writeTimeout = 10 * time.Second // from its header to the end of the answer
	maxHeader    = 8 << 10          // bytes; net/http allows 4 KiB more
)

// listening is a server at one address.
type listening struct {
	http  *http.Server
	ended chan struct{} // closed when it accepts no more
	err   error         // why it accepts no more; to be read after ended
}

// listen begins to serve at an address, and does not wait for anything.
func listen(at netip.AddrPort, e *exposition, log *slog.Logger) (*listening, error) {
	network := "tcp" // [::] is every address of both families
	if at.Addr().Is4() {
		network = "tcp4"
	}
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	listener, err := config.Listen(context.Background(), network, at.String())
	if err != nil {
		return nil, explain(at, err)
	}
	var places places
	l := &listening{ended: make(chan struct{}), http: &http.Server{
		Handler:           handler(e),
		ReadTimeout:       readTimeout,
		ReadHeaderTimeout: readTimeout,
		WriteTimeout:      writeTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnState:         places.follow,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	l.http.SetKeepAlivesEnabled(false)
	go func() {
		defer close(l.ended)
		l.err = l.http.Serve(listener)
	}()
	return l, nil
}

// explain says what to do about an address that cannot be listened at.
func explain(at netip.AddrPort, err error) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return fmt.Errorf("listen at %s: %w", at, err)
	}
	hint := ""
	switch errno {
	case syscall.EAFNOSUPPORT, syscall.EPERM:
		hint = "; under systemd install the drop-in metrics.conf, see docs/metrics.md"
	case syscall.EACCES:
		hint = "; take a port of 1024 or above"
	case syscall.EADDRINUSE:
		hint = "; take another port, or stop what listens there"
	case syscall.EADDRNOTAVAIL:
		hint = "; it is none of this host's addresses, or not yet"
	}
	return fmt.Errorf("listen at %s: %w%s", at, errno, hint)
}

// failure returns why nobody is accepted any more; nil: all is well.
func (l *listening) failure() error {
	select {
	case <-l.ended:
		return fmt.Errorf("accept connections: %w", l.err)
	default:
		return nil
	}
}

// stop closes the listener and every connection.
func (l *listening) stop() {
	_ = l.http.Close() // what it says is of sockets that are gone in any case
	<-l.ended
}
