package notify

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// t0 is when the tests' events begin.
var t0 = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// event is one of the stream.
func event(id uint64, kind policy.EventKind, service string) control.Event {
	return control.Event{ID: id, At: control.TimeOf(t0.Add(time.Duration(id) * time.Second)), Event: kind, Service: service,
		Kind: policy.ConnectionFlood, Attack: "7", Count: 1}
}

func began(id uint64, service string) control.Event { return event(id, policy.AttackBegan, service) }
func ended(id uint64, service string) control.Event { return event(id, policy.AttackEnded, service) }

// everything selects every event.
func everything(t *testing.T) Selection {
	t.Helper()
	s, err := Select([]string{"all"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stream is a daemon as Source: what it keeps, and whether it answers.
type stream struct {
	mu     sync.Mutex
	events []control.Event
	since  uint64
	err    error
	hung   bool
	asked  int
	news   chan struct{}
}

func newStream(events ...control.Event) *stream {
	return &stream{events: events, news: make(chan struct{}, 1)}
}

func (s *stream) add(events ...control.Event) {
	s.mu.Lock()
	s.events = append(s.events, events...)
	s.mu.Unlock()
	s.wake()
}

// restart begins anew, with what was before lost.
func (s *stream) restart(since uint64, events ...control.Event) {
	s.mu.Lock()
	s.events, s.since = events, since
	s.mu.Unlock()
	s.wake()
}

func (s *stream) fail(err error) {
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
	s.wake()
}

// hang has it take questions and answer none.
func (s *stream) hang() {
	s.mu.Lock()
	s.hung = true
	s.mu.Unlock()
	s.wake()
}

func (s *stream) wake() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *stream) answer(after uint64) (*control.Events, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.err != nil {
		return nil, s.err
	}
	out := &control.Events{Next: s.since, Missed: after != 0 && after < s.since}
	for _, e := range s.events {
		if e.ID > after {
			out.Events = append(out.Events, e)
		}
		out.Next = e.ID
	}
	if after > out.Next {
		out.Missed, out.Events = true, slices.Clone(s.events)
	}
	return out, nil
}

func (s *stream) mute() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hung
}

func (s *stream) Events(ctx context.Context, after uint64, wait time.Duration) (*control.Events, error) {
	limit := time.After(wait)
	for {
		if s.mute() {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		a, err := s.answer(after)
		if err != nil || len(a.Events) > 0 || a.Missed {
			return a, err
		}
		select {
		case <-s.news:
		case <-limit:
			return a, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// inbox is a Sender that keeps what it is sent.
type inbox struct {
	mu    sync.Mutex
	notes []Notification
	err   error         // what each delivery ends with
	takes time.Duration // how long one takes
	busy  int
	peak  int
}

func (b *inbox) Send(ctx context.Context, n *Notification) error {
	b.mu.Lock()
	b.busy++
	b.peak = max(b.peak, b.busy)
	takes := b.takes
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.busy--
		b.mu.Unlock()
	}()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.notes = append(b.notes, *n)
	return nil
}

func (b *inbox) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// told returns the notifications as "kind service" and forgets them.
func (b *inbox) told() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, n := range b.notes {
		out = append(out, strings.TrimSpace(string(n.Event.Event)+" "+n.Service))
	}
	b.notes = nil
	return out
}

// wantTold compares what was told since the last look.
func (b *inbox) wantTold(t *testing.T, want ...string) {
	t.Helper()
	if got := b.told(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

var errAway = errors.New("nobody answers")

// written is a log one can look at.
type written struct {
	mu sync.Mutex
	b  strings.Builder
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *written) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}
