package e2e

import (
	"fmt"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// TestConnectionFloodIsNothingElse floods from few sources a server that fills up: its accept queue
// is full and its capacity used, but the cause is that few hold too much.
func TestConnectionFloodIsNothingElse(t *testing.T) {
	s := newStage(t)
	server := s.server(everywhere(), capacity)
	clients := s.clients(v4())
	d := s.kindDaemon(kindPolicy{capacity: capacity})
	flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	a := d.awaitKind(policy.ConnectionFlood)
	if a.Rule != "connections.per_source" || a.Measured < perSource || a.Threshold != perSource {
		t.Errorf("attack %+v", a)
	}
	s.awaitLimited(perSource, server, flood)
	d.awaitStatus("all sources are limited", limiting(8))
	s.checkClients(clients, time.Now().Add(-2*time.Second))
	s.stop(flood)
	s.awaitOver(d)
	d.checkOnly(policy.ConnectionFlood)
}

// TestDistributedFloodIsHeldToTheCapacity floods from 300 IPv4 and 100 IPv6 sources, of which none
// holds a tenth of what one may. Those who hold as little as a fair share allows keep it.
func TestDistributedFloodIsHeldToTheCapacity(t *testing.T) {
	s := newStage(t)
	server := s.server(everywhere(), capacity)
	clients := s.clients(v4())
	d := s.kindDaemon(kindPolicy{capacity: capacity})
	modest := s.hoard(s.Clients, lab.HoardConfig{Target: v4(), Sources: lab.ClientRange().SpreadIPv4(10, 1), PerSource: 1, Payload: lab.PartialRequest()})
	await(t, soon, "the modest clients are connected", func() error {
		if n := modest.Counts().Held; n < 10 {
			return fmt.Errorf("%d connections", n)
		}
		return nil
	})
	four := s.hoard(s.Attackers, lab.HoardConfig{Target: v4(), Sources: lab.AttackRange().SpreadIPv4(20, 15), PerSource: 8, Rate: 6000, Payload: lab.PartialRequest()})
	six := s.hoard(s.Attackers, lab.HoardConfig{Target: v6(), Sources: lab.AttackRange().SpreadIPv6(5, 20), PerSource: 8, Rate: 2000})
	a := d.awaitKind(policy.DistributedFlood)
	if a.Rule != "capacity" || a.Measured == 0 {
		t.Errorf("attack %+v", a)
	}
	below := func(s *control.Status) error {
		share := s.Services[0].Share
		if share == nil {
			return fmt.Errorf("no fair share is in force")
		}
		if n := server.Counts().Held; n > share.Target || share.Target >= capacity {
			return fmt.Errorf("the server holds %d, share %+v", n, share)
		}
		return healthy(s)
	}
	status := d.awaitStatus("the server is below its capacity", below)
	from := time.Now()
	before := four.Counts().Attempts + six.Counts().Attempts
	remains(t, 3*time.Second, "the server below its capacity", func() error {
		if n := server.Counts().Held; n >= capacity {
			return fmt.Errorf("it holds %d", n)
		}
		return nil
	})
	if after := four.Counts().Attempts + six.Counts().Attempts; after < before+100 {
		t.Errorf("the flood did not go on: %d attempts, then %d", before, after)
	}
	s.checkClients(clients, from)
	if n := modest.Counts(); n.Closed != 0 || n.Held != 10 {
		t.Errorf("modest clients: %+v", n)
	}
	t.Logf("share %+v", status.Services[0].Share)
	s.stop(four)
	s.stop(six)
	s.awaitOver(d)
	d.checkOnly(policy.DistributedFlood)
}

// TestWithoutCapacityThereIsNoFairShare floods the same way a server whose policy does not state its
// capacity: nobody is limited, and the operator is told what to set.
func TestWithoutCapacityThereIsNoFairShare(t *testing.T) {
	s := newStage(t)
	server := s.server(everywhere(), capacity)
	d := s.kindDaemon(kindPolicy{})
	flood := s.hoard(s.Attackers, lab.HoardConfig{Target: v4(), Sources: lab.AttackRange().SpreadIPv4(40, 15), PerSource: 8, Rate: 6000, Payload: lab.PartialRequest()})
	await(t, soon, "the server is full", func() error {
		if n := server.Counts().Held; n < capacity {
			return fmt.Errorf("it holds %d", n)
		}
		return nil
	})
	a := d.awaitKind(policy.SlowApplication)
	if err := saysAll(a.Why, "capacity"); err != nil {
		t.Error(err)
	}
	d.remainsStatus(2*time.Second, "that nobody is limited", unpunished)
	s.stop(flood)
	d.checkOnly(policy.SlowApplication)
}
