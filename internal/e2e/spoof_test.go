package e2e

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"ebbgate/internal/lab"
)

// TestSpoofedFloodBesideAttack sends SYNs of 60,000 forged sources while an attack is held to its
// limits: neither conntrack nor the limits may notice.
func TestSpoofedFloodBesideAttack(t *testing.T) {
	s, server, flood, d := attacked(t)
	clients := s.clients(v4())
	// Connections older than the rules are not in the conntrack table; these will be.
	s.stop(flood)
	flood = s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	await(t, soon, "the attackers are back", moreThan(perSource-1, server))
	s.awaitLimited(perSource, server, flood)
	before := s.tracked()
	from := time.Now()
	s.spoofs(60_000)
	if err := atMost(passing(perSource), server)(); err != nil {
		t.Error(err)
	}
	after := s.tracked()
	t.Logf("conntrack entries before and after 60,000 forged SYNs: %v, %v", before, after)
	if len(after.of(lab.AttackRange())) != len(after) {
		t.Errorf("conntrack entries of others than the attackers: %v", after)
	}
	// Entries of connections that were closed lie beside these until their time is over. Listing takes a while:
	// what was closed behind it and what came in its place before it are both in the list.
	const most = 8*perSource + 8*perSource/10
	if n := after.established(); n < 4*perSource || n > most {
		t.Errorf("%d established connections are tracked, want those of 8 sources, at most about %d", n, 8*perSource)
	}
	if after.sum() > before.sum()+8*perSource {
		t.Errorf("the conntrack table grew from %d to %d entries", before.sum(), after.sum())
	}
	s.checkClients(clients, from)
	s.awaitLimited(perSource, server, flood)
	d.awaitStatus("the limits are what they were", limiting(8))
}

// spoofs floods the service with SYNs of 60,000 forged sources until so many were sent.
func (s *stage) spoofs(packets uint64) {
	s.t.Helper()
	f := s.spoof(v4(), lab.SpoofRange().IPv4(60_000), 20_000)
	await(s.t, soon, fmt.Sprintf("%d forged SYNs are sent", packets), func() error {
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
	if !s.quiet {
		floodAlone(s.t)
		s.quiet = true
	}
	f, err := lab.StartSpoof(s.t.Context(), s.Attackers, lab.SpoofConfig{Target: to, Sources: sources, Rate: rate})
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// packets is held by the test that floods with packets.
var packets sync.Mutex

// floodAlone waits until no other test floods with packets, and keeps others from it until this one has ended:
// such a flood takes a core of the machine, and two on two would be slower than they say.
func floodAlone(t *testing.T) {
	t.Helper()
	packets.Lock()
	t.Cleanup(packets.Unlock)
}
