package systemd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// gate is where messages end up: they wait while it is shut, and fail while err is set.
type gate struct {
	got      []string
	err      error
	open     chan struct{}
	released []string
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

// message returns one of the kind that its text begins with.
func (g *gate) message(text string) message {
	kind, _, _ := strings.Cut(text, " ")
	return message{kind: kind, release: func() { g.released = append(g.released, text) }, deliver: func() error {
		<-g.open
		if g.err == nil {
			g.got = append(g.got, text)
		}
		return g.err
	}}
}

func (g *gate) want(t *testing.T, m *mailbox, want ...string) {
	t.Helper()
	if !slices.Equal(g.got, want) {
		t.Errorf("delivered %q, want %q", g.got, want)
	}
	if m.begun != nil || len(m.owed) != 0 {
		t.Errorf("%d messages are still owed, under way %v", len(m.owed), m.begun)
	}
}

func TestMailboxNeverWaitsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, m := newGate(), &mailbox{}
		start := time.Now()
		if err := m.send(g.message("one")); !errors.Is(err, ErrStuck) {
			t.Errorf("one: got %v, want ErrStuck", err)
		}
		if waited := time.Since(start); waited != notifyPatience {
			t.Errorf("waited %v, want %v", waited, notifyPatience)
		}
		for range 1000 { // no wait, and no goroutine each
			for _, call := range []func() error{
				func() error { return m.send(g.message("two")) },
				m.flush,
				func() error { return m.ping(g.message("ping")) },
			} {
				if err := call(); !errors.Is(err, ErrStuck) {
					t.Fatalf("got %v, want ErrStuck", err)
				}
			}
		}
		if waited := time.Since(start); waited != notifyPatience {
			t.Errorf("waited again: %v", waited)
		}
		close(g.open)
		synctest.Wait()
		if err := m.send(g.message("three")); err != nil {
			t.Errorf("three: %v", err)
		}
		g.want(t, m, "one", "two", "three")
	})
}

// TestMailboxWaitsOnceForMany lets every delivery take most of a call's patience.
func TestMailboxWaitsOnceForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		m, open := &mailbox{}, make(chan struct{})
		slow := func(kind string) message {
			return message{kind: kind, deliver: func() error {
				<-open
				time.Sleep(notifyPatience * 2 / 3)
				got = append(got, kind)
				return nil
			}}
		}
		for _, kind := range []string{"a", "b", "c", "d"} {
			if err := m.send(slow(kind)); !errors.Is(err, ErrStuck) {
				t.Errorf("%s: got %v, want ErrStuck", kind, err)
			}
		}
		close(open)
		calls := 0
		for err := ErrStuck; err != nil; calls++ {
			start := time.Now()
			err = m.ping(slow("ping"))
			if waited := time.Since(start); waited > notifyPatience {
				t.Fatalf("waited %v", waited)
			}
			time.Sleep(time.Second)
		}
		if calls < 3 || !slices.Equal(got[:4], []string{"a", "b", "c", "d"}) {
			t.Errorf("after %d calls: %q", calls, got)
		}
	})
}

func TestWhatIsOwedIsDeliveredInOrder(t *testing.T) {
	for _, tt := range []struct {
		name string
		sent []string // while stuck; the first is begun
		want []string
	}{
		{"a reload", []string{"RELOADING 1", "STATUS 1", "READY 1"}, []string{"RELOADING 1", "STATUS 1", "READY 1"}},
		{"two reloads", []string{"STATUS 0", "RELOADING 1", "READY 1", "RELOADING 2", "READY 2"},
			[]string{"STATUS 0", "RELOADING 2", "READY 2"}},
		{"the second under way", []string{"STATUS 0", "RELOADING 1", "READY 1", "RELOADING 2"},
			[]string{"STATUS 0", "READY 1", "RELOADING 2"}},
		{"one begun, and another", []string{"RELOADING 1", "READY 1", "RELOADING 2", "READY 2"},
			[]string{"RELOADING 1", "RELOADING 2", "READY 2"}},
		{"the end", []string{"RELOADING 1", "READY 1", "STOPPING 1"}, []string{"RELOADING 1", "READY 1", "STOPPING 1"}},
		{"many status lines", []string{"STATUS 1", "STATUS 2", "STATUS 3", "STATUS 4"}, []string{"STATUS 1", "STATUS 4"}},
		{"a descriptor given and taken back", []string{"STATUS 0", "FDSTOREREMOVE a", "FDSTORE a", "READY", "FDSTOREREMOVE a"},
			[]string{"STATUS 0", "FDSTORE a", "READY", "FDSTOREREMOVE a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, m := newGate(), &mailbox{}
				for _, text := range tt.sent {
					if err := m.send(g.message(text)); !errors.Is(err, ErrStuck) {
						t.Errorf("%s: got %v, want ErrStuck", text, err)
					}
				}
				close(g.open)
				synctest.Wait()
				if err := m.flush(); err != nil {
					t.Errorf("flush: %v", err)
				}
				g.want(t, m, tt.want...)
				if len(g.released) != len(tt.sent) {
					t.Errorf("released %q, want each of %q once", g.released, tt.sent)
				}
			})
		})
	}
}

func TestWhatFailsIsTriedAgain(t *testing.T) {
	refused := errors.New("connection refused")
	for _, tt := range []struct {
		name         string
		begun, after string // sent while it is shut, then every delivery fails once
		want         []string
	}{
		{"the one that was begun goes first", "RELOADING 1", "READY 1", []string{"ping", "RELOADING 1", "READY 1"}},
		{"a newer one takes its place", "READY 1", "READY 2", []string{"ping", "READY 2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, m := newGate(), &mailbox{}
				_, _ = m.send(g.message(tt.begun)), m.send(g.message(tt.after))
				g.err = refused
				close(g.open)
				synctest.Wait()
				for range 3 {
					if err := m.flush(); !errors.Is(err, refused) {
						t.Errorf("got %v, want %v", err, refused)
					}
				}
				// A ping gets through whatever is owed, as a daemon without pings is killed.
				ping := message{deliver: func() error { g.got = append(g.got, "ping"); return nil }}
				if err := m.ping(ping); !errors.Is(err, refused) {
					t.Errorf("ping: got %v, want %v of what is owed", err, refused)
				}
				g.err = nil
				if err := m.flush(); err != nil {
					t.Error(err)
				}
				g.want(t, m, tt.want...)
			})
		})
	}
}

func TestWhatIsTriedOnceIsNotOwed(t *testing.T) {
	g, m := newGate(), &mailbox{}
	close(g.open)
	g.err = errors.New("no such file")
	msg := g.message("FDSTORE a")
	msg.once = true
	if err := m.send(msg); !errors.Is(err, g.err) {
		t.Errorf("got %v, want %v", err, g.err)
	}
	if err := m.ping(g.message("ping")); !errors.Is(err, g.err) {
		t.Errorf("ping: got %v, want %v", err, g.err)
	}
	if err := m.flush(); err != nil || len(g.released) != 2 {
		t.Errorf("got %v, released %q", err, g.released)
	}
}

func TestMailboxIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, m := newGate(), &mailbox{}
		want := []string{"begun"}
		_ = m.send(g.message("begun"))
		for i := range 3 * mostOwed {
			text := fmt.Sprint("kind", i)
			if err := m.send(g.message(text)); !errors.Is(err, ErrStuck) {
				t.Errorf("got %v, want ErrStuck", err)
			}
			if i < mostOwed {
				want = append(want, text)
			}
		}
		if len(m.owed) != mostOwed || len(g.released) != 2*mostOwed {
			t.Errorf("%d are owed, %d given up", len(m.owed), len(g.released))
		}
		close(g.open)
		synctest.Wait()
		if err := m.flush(); err != nil {
			t.Error(err)
		}
		g.want(t, m, want...)
	})
}
