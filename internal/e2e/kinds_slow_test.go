package e2e

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// everywhere2 is everywhere as a list.
func everywhere2() []netip.AddrPort { return []netip.AddrPort{everywhere()} }

// TestSlowApplicationPunishesNobody lets an application hang under clients that behave.
func TestSlowApplicationPunishesNobody(t *testing.T) {
	const backlog = 32
	s := newStage(t)
	server, err := lab.StartServer(t.Context(), s.Victim, lab.ServerConfig{Listen: everywhere2(), Capacity: capacity, Backlog: backlog})
	if err != nil {
		t.Fatal(err)
	}
	clients := s.clients(v4())
	d := s.kindDaemon(kindPolicy{capacity: capacity, newRate: 50, synRate: synRate, blockAfter: "1s"})
	server.Stall()
	a := d.awaitKind(policy.SlowApplication)
	if a.Rule != policy.RuleAcceptQueue || a.Threshold != backlog || a.Measured < backlog {
		t.Errorf("attack %+v", a)
	}
	if err := saysAll(a.Why, fmt.Sprint(port), "nobody is limited"); err != nil {
		t.Error(err)
	}
	d.remainsStatus(3*time.Second, "that nobody is punished", unpunished)
	resumed := time.Now()
	server.Resume()
	await(t, soon, "the clients are served again", func() error {
		if _, ok := clients.Recovered(resumed, time.Second); !ok {
			return fmt.Errorf("the last failure: %w", clients.LastError())
		}
		return nil
	})
	s.awaitOver(d)
	if came := s.table.Presences(); len(came) > 0 {
		t.Errorf("a table was there: %v", came)
	}
	if err := unpunished(d.status()); err != nil {
		t.Error(err)
	}
	d.checkOnly(policy.SlowApplication)
}

// TestLeakingApplicationPunishesNobody lets an application forget to close what its clients have
// closed.
func TestLeakingApplicationPunishesNobody(t *testing.T) {
	s := newStage(t)
	server := s.server(everywhere(), capacity)
	server.Leak()
	s.clients(v4())
	d := s.kindDaemon(kindPolicy{capacity: capacity})
	await(t, 60*time.Second, "the leak is recognised", func() error {
		status, err := d.ask()
		if err != nil {
			return err
		}
		if _, ok := attackOf(status, policy.SlowApplication); !ok {
			return fmt.Errorf("%d leaked, %d unread; open are %v", server.Counts().Leaked, status.Services[0].Unread, openKinds(status))
		}
		return healthy(status)
	})
	status := d.status()
	if a, _ := attackOf(status, policy.SlowApplication); a.Rule != policy.RuleCloseWait || a.Measured < 64 || a.Why == "" {
		t.Errorf("attack %+v", a)
	}
	d.remainsStatus(2*time.Second, "that nobody is punished", unpunished)
	server.Mend()
	s.awaitOver(d)
	d.checkOnly(policy.SlowApplication)
}

// TestSlowApplicationBesideAFlood lets an application hang while eight sources hold too much: they are
// limited all the same, and nobody else.
func TestSlowApplicationBesideAFlood(t *testing.T) {
	s := newStage(t)
	server, err := lab.StartServer(t.Context(), s.Victim, lab.ServerConfig{Listen: everywhere2(), Capacity: capacity, Backlog: 32})
	if err != nil {
		t.Fatal(err)
	}
	s.clients(v4())
	d := s.kindDaemon(kindPolicy{})
	flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	d.awaitKind(policy.ConnectionFlood)
	s.awaitLimited(perSource, server, flood)
	server.Stall()
	await(t, 60*time.Second, "both are told", func() error {
		status, err := d.ask()
		if err != nil {
			return err
		}
		if _, slow := attackOf(status, policy.SlowApplication); !slow || len(status.Services[0].Attacks) != 2 {
			return fmt.Errorf("%d wait; open are %v", server.Waiting(), openKinds(status))
		}
		return healthy(status)
	})
	d.awaitStatus("the eight are limited, and nobody else", func(s *control.Status) error {
		for _, l := range s.Services[0].Limits {
			if !attacking(l.Source) {
				return fmt.Errorf("limit %+v", l)
			}
		}
		return limiting(8)(s)
	})
	server.Resume()
	s.stop(flood)
	s.awaitOver(d)
}
