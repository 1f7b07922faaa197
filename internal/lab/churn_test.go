package lab

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestChurnConnectsAndParts(t *testing.T) {
	for _, c := range []struct {
		name    string
		target  netip.AddrPort
		sources []netip.Addr
		parting Parting
		cut     bool // the server sees connections that were cut
	}{
		{"IPv4, by reset", v4(80), AttackRange().IPv4(4), ByReset, true},
		{"IPv6, by reset", v6(80), AttackRange().IPv6(4), ByReset, true},
		{"IPv4, by FIN", v4(80), AttackRange().IPv4(4), ByFin, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{c.target}, Capacity: 500}))(t)
			churn := must(StartChurn(t.Context(), l.Attackers, ChurnConfig{
				Target: c.target, Sources: c.sources, Rate: 2000, AtOnce: 50, Attempts: 1000, Parting: c.parting,
			}))(t)
			await(t, "all attempts are made and ended", func() bool {
				n := churn.Counts()
				return n.Attempts == 1000 && n.Connecting == 0 && n.Completed+n.Refused+n.TimedOut+n.Errors == 1000
			})
			got := churn.Counts()
			if got.Refused != 0 || got.Errors != 0 || got.Completed < 900 {
				t.Errorf("%+v; the last error: %v", got, churn.LastError())
			}
			await(t, "the server holds nothing", func() bool {
				n := s.Counts()
				return n.Held == 0 && n.Accepted >= 900 && s.Waiting() == 0
			})
			if n := s.Counts(); n.Accepted > got.Completed+got.TimedOut || (n.Aborted > 0) != c.cut {
				t.Errorf("server %+v, churn %+v", n, got)
			}
			if err := churn.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestChurnUsesAllItsSources has more sources than connections at once.
func TestChurnUsesAllItsSources(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: 500}))(t)
	s.Leak() // so that every source stays
	sources := AttackRange().IPv4(40)
	must(StartChurn(t.Context(), l.Attackers, ChurnConfig{
		Target: v4(80), Sources: sources, Rate: 2000, AtOnce: 10, Attempts: 200,
	}))(t)
	await(t, "each source has connected", func() bool { return len(s.HeldBy()) == len(sources) })
	for source := range s.HeldBy() {
		if !slices.Contains(sources, source) {
			t.Errorf("%s connected", source)
		}
	}
}

func TestChurnIsBoundedWhenNobodyAnswers(t *testing.T) {
	l := newLab(t)
	churn := must(StartChurn(t.Context(), l.Clients, ChurnConfig{
		Target: silent(), Sources: ClientRange().IPv4(2), Rate: 5000, AtOnce: 20, ConnectTimeout: 50 * time.Millisecond,
	}))(t)
	for range 3 {
		before := churn.Counts().TimedOut
		await(t, "handshakes are given up", func() bool {
			n := churn.Counts()
			if n.Connecting > 20 {
				t.Fatalf("%d connections at once", n.Connecting)
			}
			return n.TimedOut > before
		})
	}
	if err := churn.Stop(); err != nil {
		t.Error(err)
	}
	if n := churn.Counts(); n.Connecting != 0 || n.Completed != 0 {
		t.Errorf("%+v after Stop", n)
	}
}

func TestChurnCountsRefusals(t *testing.T) {
	l := newLab(t)
	churn := must(StartChurn(t.Context(), l.Attackers, ChurnConfig{
		Target: v4(81), Sources: AttackRange().IPv4(2), Rate: 1000, Attempts: 100,
	}))(t)
	await(t, "all are refused", func() bool { return churn.Counts() == ChurnCounts{Attempts: 100, Refused: 100} })
}

func TestChurnLeavesNothing(t *testing.T) {
	l := newLab(t)
	must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: 500}))(t)
	checkLeaks(t, func() {
		churn := must(StartChurn(t.Context(), l.Attackers, ChurnConfig{Target: v4(80), Sources: AttackRange().IPv4(2), Rate: 1000}))(t)
		await(t, "some connections", func() bool { return churn.Counts().Completed > 50 })
		if err := churn.Stop(); err != nil {
			t.Error(err)
		}
	})
	if n := l.Attackers.files.taken; n != 501 {
		t.Errorf("%d descriptors are promised, want those of the server", n)
	}
}

func TestChurnBadConfigs(t *testing.T) {
	l := newLab(t)
	some := AttackRange().IPv4(2)
	for _, c := range []struct {
		name, want string
		config     ChurnConfig
	}{
		{"no source", "no source", ChurnConfig{Target: v4(80), Rate: 1}},
		{"families", "different families", ChurnConfig{Target: v6(80), Sources: some, Rate: 1}},
		{"no rate", "rate 0: 1 to 50000", ChurnConfig{Target: v4(80), Sources: some}},
		{"rate", "rate 50001: 1 to 50000", ChurnConfig{Target: v4(80), Sources: some, Rate: 50_001}},
		{"at once", "10001 connections at once: 1 to 10000", ChurnConfig{Target: v4(80), Sources: some, Rate: 1, AtOnce: 10_001}},
		{"negative", "-1 connections at once", ChurnConfig{Target: v4(80), Sources: some, Rate: 1, AtOnce: -1}},
		{"time-out", "connect time-out -1s", ChurnConfig{Target: v4(80), Sources: some, Rate: 1, ConnectTimeout: -time.Second}},
	} {
		_, err := StartChurn(t.Context(), l.Attackers, c.config)
		if err == nil || !strings.HasPrefix(err.Error(), "start the churn: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if n := l.Attackers.files.taken; n != 0 {
		t.Errorf("%d descriptors stay promised", n)
	}
}
