package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultRequestTimeout = time.Second
	mostRequestTimeout    = time.Minute
	mostClientRate        = 1000
	mostClientsInFlight   = 4000
)

// ClientsConfig describes Clients.
type ClientsConfig struct {
	Target netip.AddrPort
	// Target6 is where IPv6 sources go if Target is an IPv4 address; unset: there are none.
	Target6 netip.AddrPort
	// Sources are used in turn; all of a target's family.
	Sources []netip.Addr
	// Rate is requests per second of all sources together, 1 to 1,000.
	Rate int
	// Timeout bounds one request from connect to the last byte; 0 means one second, at most a
	// minute. Rate times Timeout must not exceed 4,000 requests.
	Timeout time.Duration
}

// Clients are steady legitimate clients: requests at a fixed rate, each on a fresh connection. They
// keep their rate when requests hang: as every request ends within Timeout, at most Rate times
// Timeout of them (and a tenth more, for a busy machine) are under way. Should even that be reached,
// the request is not sent and counted as Missed: it says nothing of the server.
type Clients struct {
	config  ClientsConfig
	ns      *Namespace
	log     *requestLog
	flights chan struct{} // one element for each request under way; full: Missed
	missed  atomic.Uint64
	task    *task

	mu      sync.Mutex
	lastErr error
}

// StartClients starts clients inside n.
func StartClients(ctx context.Context, n *Namespace, c ClientsConfig) (*Clients, error) {
	flights, err := c.complete()
	if err != nil {
		return nil, fmt.Errorf("start the clients: %w", err)
	}
	// A descriptor is doubled for a moment when it is handed to the net package.
	release, err := n.files.take(2*flights, "start the clients")
	if err != nil {
		return nil, err
	}
	s := &Clients{config: c, ns: n, log: newRequestLog(time.Now()), flights: make(chan struct{}, flights)}
	s.task, err = n.startTask(ctx, func(ctx context.Context) error {
		defer release()
		s.loop(ctx)
		return nil
	})
	if err != nil {
		release()
		return nil, fmt.Errorf("start the clients: %w", err)
	}
	return s, nil
}

// complete fills in the defaults and returns how many requests may be under way.
func (c *ClientsConfig) complete() (flights int, err error) {
	if len(c.Sources) == 0 {
		return 0, checkPath(nil, c.Target)
	}
	for _, source := range c.Sources {
		if err := checkPath([]netip.Addr{source}, c.target(source)); err != nil {
			return 0, err
		}
	}
	if c.Rate < 1 || c.Rate > mostClientRate {
		return 0, fmt.Errorf("rate %d: 1 to %d requests per second are allowed", c.Rate, mostClientRate)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultRequestTimeout
	}
	if c.Timeout < time.Millisecond || c.Timeout > mostRequestTimeout {
		return 0, fmt.Errorf("time-out %s: 1ms to %s is allowed", c.Timeout, mostRequestTimeout)
	}
	flights = int(time.Duration(c.Rate)*c.Timeout/time.Second) + 1
	if flights > mostClientsInFlight {
		return 0, fmt.Errorf("%d requests per second that may take %s: %d at once, at most %d are allowed",
			c.Rate, c.Timeout, flights, mostClientsInFlight)
	}
	return flights + flights/10 + 1, nil
}

// target returns where requests of a source go.
func (c *ClientsConfig) target(source netip.Addr) netip.AddrPort {
	if source.Is6() && c.Target6.IsValid() {
		return c.Target6
	}
	return c.Target
}

// loop starts requests on schedule and returns when the last has ended.
func (s *Clients) loop(ctx context.Context) {
	var running sync.WaitGroup
	defer func() {
		running.Wait()
		s.log.end(time.Now())
	}()
	interval := time.Second / time.Duration(s.config.Rate)
	timer := time.NewTimer(interval)
	defer timer.Stop()
	due := time.Now()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		select {
		case s.flights <- struct{}{}:
			source := s.config.Sources[i%len(s.config.Sources)]
			seq := s.log.begin(time.Now())
			running.Go(func() {
				defer func() { <-s.flights }()
				s.request(ctx, seq, source)
			})
		default:
			s.missed.Add(1)
		}
		due = due.Add(interval)
		timer.Reset(time.Until(due))
	}
}

// request does one request and logs its end. A request that ends because the clients are stopped is
// withdrawn: it is nobody's failure.
func (s *Clients) request(ctx context.Context, seq uint64, source netip.Addr) {
	limited, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	err := s.get(limited, source)
	switch {
	case err == nil:
		s.log.finish(seq, time.Now(), true)
	case ctx.Err() != nil:
		s.log.withdraw(seq)
	default:
		s.log.finish(seq, time.Now(), false)
		s.mu.Lock()
		s.lastErr = err
		s.mu.Unlock()
	}
}

// get succeeds if the server answers 200 and the whole body arrives.
func (s *Clients) get(ctx context.Context, source netip.Addr) error {
	c, err := s.ns.dial(ctx, source, s.config.target(source))
	if err != nil {
		return err
	}
	defer c.Close()
	unhook := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer unhook()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	r, err := http.ReadResponse(bufio.NewReaderSize(c, 1024), nil)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK {
		return errors.New(r.Status)
	}
	return nil
}

// Totals returns the sums since the start, whatever the log has forgotten.
func (s *Clients) Totals() Totals {
	t := s.log.totals()
	t.Missed = s.missed.Load()
	return t
}

// Span sums up the requests that started in [from, to).
func (s *Clients) Span(from, to time.Time) Span { return s.log.span(from, to) }

// FirstFailure returns when the first request that failed, of those started at or after the given
// time, was started. False: none has failed so far.
func (s *Clients) FirstFailure(after time.Time) (time.Time, bool) { return s.log.firstFailure(after) }

// Recovered returns the start of the first request at or after the given time which succeeded and
// after which every request that started within window succeeded, too. False: no such request so
// far, or its window is not over yet, or some request of it is still under way.
//
// A flood needs a moment to do harm. To measure an outage, begin with FirstFailure.
func (s *Clients) Recovered(after time.Time, window time.Duration) (time.Time, bool) {
	return s.log.recovered(after, window, time.Now())
}

// ServedFrom is Recovered by the end of that request, which may have been started long before it could
// succeed.
func (s *Clients) ServedFrom(after time.Time, window time.Duration) (time.Time, bool) {
	start, ok := s.Recovered(after, window)
	if !ok {
		return time.Time{}, false
	}
	return start.Add(s.Span(start, start.Add(1)).Max), true
}

// LastError returns why the most recent failed request failed, or nil.
func (s *Clients) LastError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastErr
}

// Stop ends the clients and waits for it. Requests under way are withdrawn and count for nothing.
func (s *Clients) Stop() error { return s.task.stop() }
