package control

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestWording(t *testing.T) {
	s := attack()
	web := &s.Services[0]
	what, done, from := AttackWords(s, web, &web.Attacks[0])
	for _, tt := range []struct{ got, want string }{
		{Number(1204), "1,204"}, {Counted(uint64(1), "source", "sources"), "1 source"}, {PerSecond(2.5), "2.5/s"}, {Length(192 * time.Second), "3m12s"},
		{Clock(night(3, 2, 10, 0), night(2, 59, 0, 0)), "02:59:00"}, {SourceText(netip.MustParsePrefix("203.0.113.7/32")), "203.0.113.7"},
		{what, "somebody holds more connections than he may (312 connections held, connections.per_source allows 100)"},
		{SoFar(web), "has refused 18,211 packets, turned away 4,001 packets of blocked sources, dropped 77 SYNs, closed 1 connection, blocked 3 sources so far"},
		{LimitWords(web), "limits a source: 100 held, 50/s new, 200/s SYNs"},
		{OffenderWords(kinds().Services[0].Offender), "exempt 192.0.2.50 holds 1,300, others may hold 100: nothing is done about it"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
	if !strings.HasPrefix(done, "ebbgate is refusing new connections of 838 sources") || !strings.HasPrefix(from, "198.51.100.0/24 held 1,140 (12 sources)") {
		t.Errorf("done %q, from %q", done, from)
	}
	bad := nasty()
	what, done, from = AttackWords(bad, &bad.Services[0], &bad.Services[0].Attacks[0])
	for _, text := range []string{what, done, from} {
		if Escape(text) != text {
			t.Errorf("not escaped: %q", text)
		}
	}
}
