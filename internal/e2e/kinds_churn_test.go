package e2e

import (
	"fmt"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// TestChurnIsRefused lets four sources connect and reset 500 times a second each. They are refused,
// as they hold nothing there is nothing to close, and the clients are served.
func TestChurnIsRefused(t *testing.T) {
	s := newStage(t)
	s.server(everywhere(), capacity)
	clients := s.clients(v4())
	d := s.kindDaemon(kindPolicy{newRate: 50})
	churn := s.churn(2000)
	a := d.awaitKind(policy.Churn)
	if a.Rule != "rate.new_per_source" || a.Measured < 50 || a.Threshold != 50 {
		t.Errorf("attack %+v", a)
	}
	status := d.awaitStatus("all four are refused", refusing(4))
	for _, l := range status.Services[0].Limits {
		if l.Rule != "rate.new_per_source" || !attacking(l.Source) {
			t.Errorf("limit %+v", l)
		}
	}
	from := time.Now()
	before := churn.Counts()
	await(t, soon, "the churn goes on", func() error {
		if n := churn.Counts().Attempts - before.Attempts; n < 2000 {
			return fmt.Errorf("%d more attempts", n)
		}
		return nil
	})
	after := churn.Counts()
	if done := after.Completed - before.Completed; done > 100 || after.Refused-before.Refused < 1000 {
		t.Errorf("%d of %d connections were completed, %d refused", done, after.Attempts-before.Attempts, after.Refused-before.Refused)
	}
	d.awaitStatus("they are still refused", refusing(4))
	s.checkUnharmed(clients, from)
	s.stop(churn)
	s.awaitOver(d)
	d.checkOnly(policy.Churn)
}

// TestChurnThatLastsIsBlocked lets the churn go on against a policy that blocks after a second.
func TestChurnThatLastsIsBlocked(t *testing.T) {
	s := newStage(t)
	s.server(everywhere(), capacity)
	clients := s.clients(v4())
	d := s.kindDaemon(kindPolicy{newRate: 50, blockAfter: "1s"})
	churn := s.churn(2000)
	status := d.awaitStatus("all four are blocked", func(s *control.Status) error {
		if n := s.Services[0].BlocksTotal; n != 4 {
			return fmt.Errorf("%d are", n)
		}
		return healthy(s)
	})
	for _, b := range status.Services[0].Blocks {
		if b.Strikes != 1 || b.Rule != "rate.new_per_source" || !attacking(b.Source) {
			t.Errorf("block %+v", b)
		}
	}
	s.stop(churn)
	s.checkUnharmed(clients, time.Now().Add(-time.Second))
	s.awaitOver(d)
	d.checkOnly(policy.Churn)
}

// TestChurnThatFillsTheAcceptQueue churns a server that accepts slowly: its accept queue is full, and
// the cause is the churn, not the application.
func TestChurnThatFillsTheAcceptQueue(t *testing.T) {
	s := newStage(t)
	server, err := lab.StartServer(t.Context(), s.Victim, lab.ServerConfig{Listen: everywhere2(), Capacity: capacity, AcceptTime: 2 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	clients := s.clients(v4())
	d := s.kindDaemon(kindPolicy{newRate: 30})
	churn := s.churn(4000)
	await(t, soon, "the accept queue is full", func() error {
		if n := server.Waiting(); n < 500 {
			return fmt.Errorf("%d wait", n)
		}
		return nil
	})
	d.awaitKind(policy.Churn)
	d.awaitStatus("all four are refused", refusing(4))
	await(t, soon, "the queue is worked off", func() error {
		if n := server.Waiting(); n > 50 {
			return fmt.Errorf("%d wait", n)
		}
		return nil
	})
	s.served(clients, 100)
	s.stop(churn)
	s.awaitOver(d)
	d.checkOnly(policy.Churn)
}

// churn lets four sources connect and part.
func (s *stage) churn(rate int) *lab.Churn {
	s.t.Helper()
	c, err := lab.StartChurn(s.t.Context(), s.Attackers, lab.ChurnConfig{Target: v4(), Sources: lab.AttackRange().IPv4(4), Rate: rate, AtOnce: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// refusing is a condition of a status: so many sources are limited, and all of them refused.
func refusing(sources int) func(*control.Status) error {
	return func(s *control.Status) error {
		shop := s.Services[0]
		refused := 0
		for _, l := range shop.Limits {
			if l.Refusing {
				refused++
			}
		}
		if refused != sources || shop.LimitsTotal != sources {
			return fmt.Errorf("%d of %d limited sources are refused, want %d", refused, shop.LimitsTotal, sources)
		}
		return healthy(s)
	}
}
