package lab

import (
	"slices"
	"sync"
	"time"
)

// mostRequests bounds a request log. At the bound the older half is forgotten; the totals stay.
const mostRequests = 1 << 18

// Totals are the sums of a run of Clients. Attempted is Succeeded + Failed + InFlight.
type Totals struct {
	Attempted uint64
	Succeeded uint64
	Failed    uint64
	InFlight  uint64
	Missed    uint64 // not sent, for want of a free place; not part of Attempted
}

// Span sums up the requests that started in a stretch of time. The latencies are those of the
// successful ones, from connect to the last byte; zero if there are none.
type Span struct {
	Attempted int
	Succeeded int
	Failed    int
	InFlight  int
	P50       time.Duration
	P95       time.Duration
	Max       time.Duration
}

type outcome uint8

const (
	inFlight outcome = iota
	succeeded
	failed
	withdrawn
)

// request is one entry of the log; start is the time since the log's birth, by the monotonic clock.
type request struct {
	start   time.Duration
	latency time.Duration
	outcome outcome
}

// requestLog keeps requests in the order of their start.
type requestLog struct {
	born time.Time
	most int

	mu       sync.Mutex
	first    uint64 // sequence number of requests[0]
	requests []request
	sum      Totals
	ended    time.Duration // when the last request could have started; 0: still running
}

func newRequestLog(born time.Time) *requestLog { return &requestLog{born: born, most: mostRequests} }

// begin logs a request that starts now and returns its number. now must not go back.
func (l *requestLog) begin(now time.Time) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.requests) >= l.most {
		drop := l.most / 2
		l.requests = append(l.requests[:0], l.requests[drop:]...)
		l.first += uint64(drop)
	}
	l.requests = append(l.requests, request{start: now.Sub(l.born)})
	l.sum.Attempted++
	l.sum.InFlight++
	return l.first + uint64(len(l.requests)) - 1
}

// finish logs the end of a request.
func (l *requestLog) finish(seq uint64, now time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	result := failed
	if ok {
		result = succeeded
		l.sum.Succeeded++
	} else {
		l.sum.Failed++
	}
	l.sum.InFlight--
	if r := l.at(seq); r != nil {
		r.outcome, r.latency = result, now.Sub(l.born)-r.start
	}
}

// withdraw makes a request that is under way as if it had never been.
func (l *requestLog) withdraw(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sum.Attempted--
	l.sum.InFlight--
	if r := l.at(seq); r != nil {
		r.outcome = withdrawn
	}
}

// at returns nil for a request that was forgotten.
func (l *requestLog) at(seq uint64) *request {
	if seq < l.first {
		return nil
	}
	return &l.requests[seq-l.first]
}

// end says that no further request will start.
func (l *requestLog) end(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = now.Sub(l.born)
}

func (l *requestLog) totals() Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sum
}

// since returns the requests that started at or after t. The caller holds mu.
func (l *requestLog) since(t time.Duration) []request {
	i, _ := slices.BinarySearchFunc(l.requests, t, func(r request, t time.Duration) int {
		if r.start < t {
			return -1
		}
		return 1
	})
	return l.requests[i:]
}

func (l *requestLog) span(from, to time.Time) Span {
	l.mu.Lock()
	defer l.mu.Unlock()
	var s Span
	var latencies []time.Duration
	for _, r := range l.since(from.Sub(l.born)) {
		if r.start >= to.Sub(l.born) {
			break
		}
		switch r.outcome {
		case succeeded:
			s.Succeeded++
			latencies = append(latencies, r.latency)
		case failed:
			s.Failed++
		case inFlight:
			s.InFlight++
		}
	}
	s.Attempted = s.Succeeded + s.Failed + s.InFlight
	if n := len(latencies); n > 0 {
		slices.Sort(latencies)
		s.P50, s.P95, s.Max = latencies[(n-1)*50/100], latencies[(n-1)*95/100], latencies[n-1]
	}
	return s
}

func (l *requestLog) firstFailure(after time.Time) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.since(after.Sub(l.born)) {
		if r.outcome == failed {
			return l.born.Add(r.start), true
		}
	}
	return time.Time{}, false
}

// recovered looks for a success that is followed by successes only, as far as window reaches.
func (l *requestLog) recovered(after time.Time, window time.Duration, now time.Time) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := now.Sub(l.born) // up to here it is known which requests started
	if l.ended > 0 {
		known = min(known, l.ended)
	}
	start, found := time.Duration(0), false
	for _, r := range l.since(after.Sub(l.born)) {
		if found && r.start >= start+window {
			break
		}
		switch {
		case r.outcome == failed || r.outcome == inFlight:
			found = false
		case r.outcome == succeeded && !found:
			start, found = r.start, true
		}
	}
	if !found || start+window > known {
		return time.Time{}, false
	}
	return l.born.Add(start), true
}
