package e2e

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"ebbgate/internal/lab"
)

// TestKilledDaemonLeavesNothing kills the daemon in the middle of an attack. Its table goes with
// its socket.
func TestKilledDaemonLeavesNothing(t *testing.T) {
	s, server, flood, d := attacked(t)
	killed := time.Now()
	d.signal(syscall.SIGKILL)
	gone := s.awaitTable(false).Gone.Sub(killed)
	t.Logf("the table went %v after the kill (goal: within one lease, 3s)", gone.Round(time.Millisecond))
	if gone > patience*time.Second {
		t.Errorf("the table stood for %v without its daemon", gone)
	}
	if rules := s.rules(); rules != "" {
		t.Errorf("rules are left:\n%s", rules)
	}
	await(t, 20*time.Second, "the attackers pass", moreThan(perSource, server))
	s.stop(flood)
	s.spoofLeavesNoTrace()
}

// TestStoppedDaemonLetsPass freezes the daemon in the middle of an attack: the kernel ends the
// leases although the table stands. Woken up, the daemon goes on.
func TestStoppedDaemonLetsPass(t *testing.T) {
	s, server, flood, d := attacked(t)
	stopped := time.Now()
	d.signal(syscall.SIGSTOP)
	await(t, 20*time.Second, "the attackers pass", moreThan(perSource, server))
	t.Logf("the attackers passed %v after the stop (goal: within one lease, 3s)", time.Since(stopped).Round(time.Millisecond))
	if rules := s.rules(); !strings.Contains(rules, "table inet ebbgate") {
		t.Errorf("the table is gone while its owner lives:\n%s", rules)
	}
	s.stop(flood)
	s.spoofLeavesNoTrace()

	again := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	await(t, 20*time.Second, "the attackers fill the server", moreThan(perSource+50, server))
	d.signal(syscall.SIGCONT)
	s.awaitLimited(perSource, server, again)
	d.awaitStatus("all sources are limited", limiting(8))
	if log := d.log.String(); strings.Contains(log, "level=ERROR") {
		t.Error("the daemon had faults on waking up")
	}
}

// attacked is a stage with an attack that is held to the limits.
func attacked(t *testing.T) (*stage, *lab.Server, *lab.Hoard, *daemon) {
	t.Helper()
	s := newStage(t)
	server := s.server(everywhere(), capacity)
	d := s.daemon(policyFile{})
	flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	s.awaitTable(true)
	s.awaitLimited(perSource, server, flood)
	d.awaitStatus("all sources are limited", limiting(8))
	return s, server, flood, d
}

// spoofs floods the service with SYNs of 60,000 forged sources until so many were sent.
func (s *stage) spoofs(packets uint64) {
	s.t.Helper()
	f := s.spoof(v4(), lab.SpoofRange().IPv4(60_000), 20_000)
	await(s.t, 20*time.Second, fmt.Sprintf("%d forged SYNs are sent", packets), func() error {
		if c := f.Counts(); c.Sent < packets {
			return fmt.Errorf("%+v", c)
		}
		return nil
	})
	s.stop(f)
}

// spoof begins to flood with SYNs of forged sources.
func (s *stage) spoof(to netip.AddrPort, sources []netip.Addr, rate int) *lab.Spoof {
	s.t.Helper()
	f, err := lab.StartSpoof(s.t.Context(), s.Attackers, lab.SpoofConfig{Target: to, Sources: sources, Rate: rate})
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// spoofLeavesNoTrace checks that forged SYNs do not get into the conntrack table.
func (s *stage) spoofLeavesNoTrace() {
	s.t.Helper()
	before := s.conntrack()
	s.spoofs(30_000)
	if after := s.conntrack(); after > before {
		s.t.Errorf("forged SYNs got into the conntrack table: %d entries, then %d", before, after)
	}
	if entries := s.tracked(); len(entries.of(lab.SpoofRange())) > 0 {
		s.t.Errorf("conntrack entries of forged sources: %v", entries.of(lab.SpoofRange()))
	}
}
