package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"ebbgate/internal/lab"
)

// TestCrashUnderAServiceManager kills the daemon in the middle of an attack: the table stays with its
// socket, which the service manager holds, and refuses on; the next daemon takes it over, and at no moment
// do the refused sources get in, nor when the service is restarted. When it is stopped, nothing is left.
func TestCrashUnderAServiceManager(t *testing.T) {
	if ownerless(t) {
		t.Skip("tables have no owners here")
	}
	s, m := newStage(t), newServiceManager(t)
	server := s.server(everywhere(), capacity)
	// The lease must last until the next daemon has counted for the first time, however slow the machine.
	s.write(policyFile{lease: "30s"}.text(s.socket()))
	d := m.start(s)
	m.awaitStore(true)
	flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	s.awaitTable(true)
	s.awaitLimited(perSource, server, flood)
	d.awaitStatus("all sources are limited", limiting(8))
	s.awaitSettled(flood)

	before := flood.Counts()
	d.signal(syscall.SIGKILL)
	d.wait()
	s.awaitRefused(flood, 500)
	if len(s.table.Presences()) != 1 || !strings.Contains(s.rules(), "table inet ebbgate") {
		t.Fatalf("the table went with the daemon: %v", s.table.Presences())
	}
	d = m.start(s)
	if log := d.log.String(); !strings.Contains(log, "taking over the table") {
		t.Errorf("the next daemon does not say that it took the table over:\n%s", log)
	}
	remains(t, 4*time.Second, "the limit", atMost(perSource, server))
	s.awaitRefused(flood, 500)
	after := flood.Counts()
	if n := established(after) - established(before); n > 0 {
		t.Errorf("the refused sources got %d connections in", n)
	}
	t.Logf("%d attempts were refused meanwhile", after.Refused-before.Refused)
	if came := s.table.Presences(); len(came) != 1 {
		t.Errorf("the table came and went: %v", came)
	}
	if err := healthy(d.status()); err != nil {
		t.Error(err)
	}

	// A restart is a stop and a start: the table stays where the socket does.
	refused := flood.Counts()
	for range 2 {
		d.signal(syscall.SIGTERM)
		if state := d.wait(); state.ExitCode() != 0 {
			t.Errorf("the daemon ended with %v", state)
		}
		s.awaitRefused(flood, 500)
		d = m.start(s)
	}
	if n := established(flood.Counts()) - established(refused); n > 0 || len(s.table.Presences()) != 1 {
		t.Errorf("over two restarts the refused sources got %d connections in; the table was there %v", n, s.table.Presences())
	}
	d.signal(syscall.SIGTERM)
	d.wait()
	m.stop()
	s.awaitTable(false)
	if rules := s.rules(); rules != "" {
		t.Errorf("rules are left:\n%s", rules)
	}
}

// TestCrashWithoutAServiceManager: nobody holds the socket, so the table goes with the daemon.
func TestCrashWithoutAServiceManager(t *testing.T) {
	if ownerless(t) {
		t.Skip("tables have no owners here")
	}
	s, server, _, d := attacked(t)
	d.signal(syscall.SIGKILL)
	d.wait()
	s.awaitTable(false)
	if rules := s.rules(); rules != "" {
		t.Errorf("rules are left:\n%s", rules)
	}
	await(t, soon, "the attackers pass", moreThan(perSource+50, server))
}

// TestStoredSocketInPeace: in peace the store keeps a socket that owns nothing, from one crash to the next.
func TestStoredSocketInPeace(t *testing.T) {
	if ownerless(t) {
		t.Skip("tables have no owners here")
	}
	s, m := newStage(t), newServiceManager(t)
	s.write(policyFile{}.text(s.socket()))
	for range 3 {
		d := m.start(s)
		m.awaitStore(true)
		if err := healthy(d.status()); err != nil {
			t.Error(err)
		}
		d.signal(syscall.SIGKILL)
		d.wait()
		if rules := s.rules(); rules != "" {
			t.Errorf("rules in peace:\n%s", rules)
		}
	}
}

// established is how many connections attackers ever got.
func established(c lab.HoardCounts) int64 { return int64(c.Held) + int64(c.Closed) }

// awaitRefused waits until so many more attempts were refused.
func (s *stage) awaitRefused(flood *lab.Hoard, more uint64) {
	s.t.Helper()
	before := flood.Counts().Refused
	await(s.t, soon, fmt.Sprintf("%d more attempts are refused", more), func() error {
		if got := flood.Counts().Refused - before; got < more {
			return fmt.Errorf("%d are", got)
		}
		return nil
	})
}

// awaitSettled waits until no attacker has got a connection for a second.
func (s *stage) awaitSettled(flood *lab.Hoard) {
	s.t.Helper()
	last, since := established(flood.Counts()), time.Now()
	await(s.t, soon, "no attacker gets in", func() error {
		if now := established(flood.Counts()); now != last {
			last, since = now, time.Now()
		}
		if still := time.Since(since); still < time.Second {
			return fmt.Errorf("the last one did %v ago", still.Round(time.Millisecond))
		}
		return nil
	})
}
