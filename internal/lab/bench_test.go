package lab

import (
	"net/netip"
	"testing"
	"time"
)

// BenchmarkNew builds and closes a laboratory.
func BenchmarkNew(b *testing.B) {
	newLab(b)
	for b.Loop() {
		l := must(New())(b)
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHoardOnset fills a server of capacity 8,000 with 9,500 connections at 4,000 a second,
// beside 50 legitimate requests a second, and reports how long that takes.
func BenchmarkHoardOnset(b *testing.B) {
	for b.Loop() {
		l := must(New())(b)
		s := must(StartServer(b.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: 8000}))(b)
		clients := must(StartClients(b.Context(), l.Clients, ClientsConfig{Target: v4(80), Sources: ClientRange().IPv4(10), Rate: 50}))(b)
		began := time.Now()
		h := must(StartHoard(b.Context(), l.Attackers, HoardConfig{
			Target: v4(80), Sources: AttackRange().IPv4(8), Total: 9500, Payload: PartialRequest(),
		}))(b)
		await(b, "the server is full", func() bool { return s.Counts().Held == 8000 })
		b.ReportMetric(time.Since(began).Seconds(), "s-until-full")
		await(b, "clients fail", func() bool { _, failed := clients.FirstFailure(began); return failed })
		b.ReportMetric(float64(clients.Totals().Missed), "missed")
		b.ReportMetric(float64(h.Counts().Errors), "errors")
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
