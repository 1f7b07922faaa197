package systemd

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestMailboxNeverWaitsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		gate := make(chan struct{})
		m := &mailbox{deliver: func(s string) error {
			<-gate
			got = append(got, s)
			return nil
		}}
		start := time.Now()
		if err := m.send("one"); !errors.Is(err, ErrStuck) {
			t.Errorf("one: got %v, want ErrStuck", err)
		}
		if waited := time.Since(start); waited != notifyPatience {
			t.Errorf("waited %v, want %v", waited, notifyPatience)
		}
		for range 1000 { // refused at once, and no goroutine each
			if err := m.send("two"); !errors.Is(err, ErrStuck) {
				t.Fatalf("two: got %v, want ErrStuck", err)
			}
		}
		if waited := time.Since(start); waited != notifyPatience {
			t.Errorf("waited again: %v", waited)
		}
		close(gate)
		synctest.Wait()
		if err := m.send("three"); err != nil {
			t.Errorf("three: %v", err)
		}
		if len(got) != 2 || got[0] != "one" || got[1] != "three" {
			t.Errorf("delivered %q", got)
		}
	})
}

// TestHungManager fills the queue of a real socket that nobody reads.
func TestHungManager(t *testing.T) {
	m := startManager(t)
	n := newNotifier(t)
	var err error
	for range 100_000 { // net.unix.max_dgram_qlen is far less
		if err = n.Ready(); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrStuck) {
		t.Fatalf("got %v, want ErrStuck", err)
	}
	for end := time.Now().Add(10 * time.Second); ; {
		_ = m.next(t)
		if err = n.Stopping(); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("still stuck while the manager reads: %v", err)
		}
	}
	for m.next(t) != "STOPPING=1" {
		continue
	}
}
