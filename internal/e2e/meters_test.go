package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// TestSYNFloodIsMetered floods with SYNs of five addresses, of which one belongs to a client. They
// are named, the client as one that is known, and nothing is done to anybody.
func TestSYNFloodIsMetered(t *testing.T) {
	s := newStage(t)
	s.server(everywhere(), capacity)
	clients := s.clients(v4())
	d := s.daemon(policyFile{synRate: 200})
	onset := time.Now()
	client := lab.ClientRange().IPv4(1)[0]
	d.awaitStatus("a census has seen the clients", func(s *control.Status) error {
		if s.Services[0].Endings == nil {
			return errors.New("what ends is not counted")
		}
		return healthy(s)
	})
	sources := append(lab.SpoofRange().IPv4(4), client)
	flood := s.spoof(v4(), sources, 30_000)
	status := d.awaitStatus("the sources are named", func(s *control.Status) error {
		if m := s.Services[0].SYNs; m == nil || m.Sources != len(sources) || m.PerS < 1000 || m.OverPerS < 1000 {
			return fmt.Errorf("the meter shows %+v", m)
		}
		if s.Kernel.CookiesSentPerS == 0 {
			return errors.New("no cookies are sent")
		}
		return healthy(s)
	})
	for _, f := range status.Services[0].SYNs.Top {
		if known := f.Source == netip.PrefixFrom(client, 32); f.Proven != known {
			t.Errorf("%+v: want proven %t", f, known)
		}
	}
	s.checkClients(clients, onset)
	if shop := status.Services[0]; slices.ContainsFunc(shop.Attacks, func(a control.Attack) bool { return a.Kind != policy.SYNFlood }) || shop.LimitsTotal != 0 || shop.RefusedPackets != 0 || status.Table.Conntrack != control.ConntrackOff {
		t.Errorf("service %+v, table %+v", shop, status.Table)
	}
	if rules := s.rules(); strings.Contains(rules, "drop") || strings.Contains(rules, "reject") || strings.Contains(rules, "ct ") {
		t.Errorf("a meter does more than count:\n%s", rules)
	}
	s.stop(flood)
	d.awaitStatus("the counters come to rest with the flood", func(s *control.Status) error {
		if k, m := s.Kernel, s.Services[0].SYNs; k.CookiesSentPerS != 0 || m != nil && m.Sources != 0 {
			return fmt.Errorf("kernel %+v, meter %+v", k, m)
		}
		return healthy(s)
	})
}

// TestRandomSYNFloodNamesNobody floods from more addresses than a meter tells apart.
func TestRandomSYNFloodNamesNobody(t *testing.T) {
	s := newStageAlone(t) // the meter has room for 65,536, and forgets: it takes so many in a few seconds
	s.server(everywhere(), capacity)
	d := s.daemon(policyFile{synRate: 200})
	random := append(lab.SpoofRange().IPv4(60_000), lab.AttackRange().IPv4(60_000)...)
	flood := s.spoof(v4(), random, 100_000)
	status := d.awaitStatus("the meter is full", func(s *control.Status) error {
		if m := s.Services[0].SYNs; m == nil || m.UnmeteredPerS == 0 {
			return fmt.Errorf("the meter shows %+v", m)
		}
		return healthy(s)
	})
	s.stop(flood)
	if m := status.Services[0].SYNs; m.Sources != 0 {
		t.Errorf("sources are named: %+v", m)
	}
	if n := s.conntrack(); n != 0 {
		t.Errorf("%d conntrack entries", n)
	}
}

// TestCookiesOffIsSaid floods a host whose SYN cookies are off. That is reported, with the sysctl,
// which stays what it is.
func TestCookiesOffIsSaid(t *testing.T) {
	const sysctl = "net.ipv4.tcp_syncookies"
	s := newStage(t)
	if err := s.Victim.SetSysctl(sysctl, "0"); err != nil {
		t.Fatal(err)
	}
	s.server(everywhere(), capacity)
	d := s.daemon(policyFile{})
	flood := s.spoof(v4(), lab.SpoofRange().IPv4(60_000), 20_000)
	d.awaitStatus("cookies are missed", func(s *control.Status) error {
		if k := s.Kernel; !k.CookiesMissing || k.SYNDropsPerS == 0 {
			return fmt.Errorf("kernel %+v", k)
		}
		return healthy(s)
	})
	s.stop(flood)
	if log := d.log.String(); strings.Count(log, "event=syn-cookies-off") != 1 || !strings.Contains(log, sysctl+"=1") {
		t.Error("the log does not say once what to set")
	}
	if value, err := s.Victim.Sysctl(sysctl); value != "0" || err != nil {
		t.Errorf("the sysctl is %q, %v: only the operator changes it", value, err)
	}
}

// TestEndingsAreCounted lets clients come and go fast.
func TestEndingsAreCounted(t *testing.T) {
	s := newStage(t)
	s.server(everywhere(), capacity)
	d := s.daemon(policyFile{})
	sources := lab.ClientRange().IPv4(4)
	clients, err := lab.StartClients(t.Context(), s.Clients, lab.ClientsConfig{Target: v4(), Sources: sources, Rate: 200})
	if err != nil {
		t.Fatal(err)
	}
	status := d.awaitStatus("what ends is counted", func(s *control.Status) error {
		if e := s.Services[0].Endings; e == nil || e.PerS < 50 || e.Sources != len(sources) {
			return fmt.Errorf("endings %+v", e)
		}
		return healthy(s)
	})
	s.stop(clients)
	for _, e := range status.Services[0].Endings.Top {
		if !lab.ClientRange().V4.Contains(e.Source.Addr()) || e.PerS == 0 {
			t.Errorf("ended: %+v", e)
		}
	}
	d.awaitStatus("nothing ends any more", func(s *control.Status) error {
		if e := s.Services[0].Endings; e != nil && e.PerS != 0 {
			return fmt.Errorf("endings %+v", e)
		}
		return healthy(s)
	})
}

// TestSYNFloodOfLivingHostsIsMetered floods in the name of addresses whose hosts answer with resets,
// so that no queue fills and no cookie is sent.
func TestSYNFloodOfLivingHostsIsMetered(t *testing.T) {
	s := newStage(t)
	s.server(everywhere(), capacity)
	d := s.daemon(policyFile{synRate: 200})
	sources := lab.AttackRange().IPv4(4)
	flood := s.spoof(v4(), sources, 10_000)
	d.awaitStatus("the sources are named", func(s *control.Status) error {
		if m := s.Services[0].SYNs; m == nil || m.Sources != len(sources) {
			return fmt.Errorf("the meter shows %+v", m)
		}
		return healthy(s)
	})
	s.stop(flood)
}

// TestCookiesForAllIsPeace serves clients on a host that sends a SYN cookie for every SYN.
func TestCookiesForAllIsPeace(t *testing.T) {
	s := newStage(t)
	if err := s.Victim.SetSysctl("net.ipv4.tcp_syncookies", "2"); err != nil {
		t.Fatal(err)
	}
	s.server(everywhere(), capacity)
	d := s.daemon(policyFile{synRate: 200})
	clients := s.clients(v4())
	d.awaitStatus("cookies are sent", func(s *control.Status) error {
		if s.Kernel.CookiesSentPerS == 0 {
			return errors.New("none are")
		}
		return healthy(s)
	})
	s.served(clients, 50)
	if came := s.table.Presences(); len(came) > 0 {
		t.Errorf("a table was there in peace: %v", came)
	}
}
