package daemon

import (
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ebbgate/enforcer"
	"ebbgate/policy"
)

// takingRules takes every plan without looking.
type takingRules struct{ *fakeRules }

func (r takingRules) Apply(p enforcer.Plan) error {
	r.have = enforcer.Have{Known: true, Present: !p.After.Empty(), Ruleset: p.After}
	return nil
}

// crowded is a daemon among fakes in which many sources are limited, outside of a bubble. Its clock stands
// still, so that no lease ends.
func crowded(b *testing.B, sources int) *Daemon {
	b.Helper()
	c, tr := clock{began: time.Now(), still: true}, &trace{}
	path := filepath.Join(b.TempDir(), "config.toml")
	put(b, path, strings.Replace(enforcing, "[exempt]", "[observe]\nmax_sources = 200000\n[exempt]", 1))
	p, src, err := ReadPolicy(path)
	must(b, err)
	d := New(Config{PolicyPath: path, Policy: p, Source: src, Log: slog.New(slog.DiscardHandler),
		Watcher: &fakeWatcher{clock: c, trace: tr, counters: policy.Counters{Valid: true, SynCookies: 1}},
		Rules:   takingRules{&fakeRules{t: b, clock: c, trace: tr, owned: true, features: modern, have: enforcer.Have{Known: true}}},
		Closer:  &fakeCloser{clock: c, trace: tr}, Publisher: &fakePublisher{}, Manager: &fakeManager{clock: c, trace: tr},
		Now: c.now, Wall: time.Now})
	d.jobs = context.Background()
	d.census.taken = policy.Census{Taken: true, Complete: true, From: c.now(), Services: []policy.ServiceCensus{{Service: "web"}}}
	web := &d.census.taken.Services[0]
	for i := range sources {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		web.Sources = append(web.Sources, policy.SourceCensus{Source: netip.PrefixFrom(addr, 32), Held: 20 + i%7})
	}
	d.sight.Census, d.census.running, d.closings.running = d.census.taken, true, true // no jobs beside the turns
	d.turn()
	if n := len(d.decision.Limits); n != sources {
		b.Fatalf("%d limits", n)
	}
	return d
}

// BenchmarkTurn measures a turn without a new census, while 100,000 sources are limited.
func BenchmarkTurn(b *testing.B) {
	d := crowded(b, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		d.turn()
	}
}

// BenchmarkPublish measures the part of it that shows the state.
func BenchmarkPublish(b *testing.B) {
	d := crowded(b, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		d.publish()
	}
}
