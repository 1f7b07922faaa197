package e2e

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ebbgate/internal/lab"
)

// TestOtherServiceIsUnaffected attacks one of two services.
func TestOtherServiceIsUnaffected(t *testing.T) {
	const otherPort = 8081
	other := netip.AddrPortFrom(lab.VictimV4(), otherPort)
	s := newStage(t)
	server := s.server(v4(), capacity)
	s.server(other, capacity)
	clients := s.clients(other)
	d := s.daemon(policyFile{services: []serviceText{
		{"shop", fmt.Sprint(port), perSource}, {"mail", fmt.Sprint(otherPort), 2 * perSource}}})
	onset := time.Now()
	attackers := lab.AttackRange().IPv4(8)
	flood := s.flood(v4(), attackers, 3000)
	s.awaitTable(true)
	s.awaitLimited(perSource, server, flood)
	status := d.awaitStatus("all sources are limited", limiting(8))
	for i := range 20 {
		if err := s.open(s.Attackers, attackers[i%8], other); err != nil {
			t.Errorf("connection %d of an attacker to the other service: %v", i+1, err)
		}
	}
	if mail := status.Services[1]; mail.Name != "mail" || len(mail.Attacks) > 0 || mail.LimitsTotal != 0 || mail.RefusedPackets != 0 || mail.ClosedConnections != 0 {
		t.Errorf("the other service: %+v", mail)
	}
	span := clients.Span(onset, time.Now())
	t.Logf("the other service's clients: %d requests served, %d failed, half of them within %v", span.Succeeded, span.Failed, span.P50.Round(time.Microsecond))
	if span.Succeeded == 0 || span.Failed > 0 {
		t.Errorf("the other service's clients: %+v: %v", span, clients.LastError())
	}
}
