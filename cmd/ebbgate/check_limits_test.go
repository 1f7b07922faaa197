package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ebbgate/policy"
)

func TestWriteService(t *testing.T) {
	const all = "    not set        per_source, per_prefix, new_per_source, syn_per_source, capacity\n"
	web := policy.Service{Name: "web", Ports: []policy.PortRange{{First: 80, Last: 80}, {First: 8000, Last: 8010}},
		Response: policy.Response{BlockAfter: 10 * time.Second, BlockFor: policy.DefaultBlockFor()}}
	tests := []struct {
		name   string
		change func(*policy.Service)
		want   string
	}{
		{"nothing", func(*policy.Service) {}, all},
		{"one override", func(s *policy.Service) { s.Overrides = make([]policy.Override, 1) },
			"    overrides      1 prefix with limits of its own\n    blocks         after 10s over a limit: for 10m, then 1h, then 24h\n" + all},
		{"capacity alone is never a reason to block", func(s *policy.Service) { s.Capacity, s.Rate.SYNPerSource = 1, 20 },
			"    each source    at most 20 SYNs a second under SYN pressure\n" +
				"    in all         a capacity of 1 connection, shared fairly when it runs out\n" +
				"    not set        per_source, per_prefix, new_per_source\n"},
		{"everything but capacity, and no blocks", func(s *policy.Service) {
			s.Connections = policy.Connections{PerSource: 100, PerPrefix: []policy.PrefixLimit{{Bits: 24, Max: 800}, {IPv6: true, Bits: 48, Max: 900}}}
			s.Rate = policy.Rate{SYNPerSource: 200, NewPerSource: 50}
			s.Response.BlockAfter = 0
		}, "    each source    at most 100 connections, 50 new connections a second, 200 SYNs a second under SYN\n                   pressure\n" +
			"    each prefix    at most 800 connections in an IPv4 /24, 900 connections in an IPv6 /48\n" +
			"    blocks         never\n" +
			"    not set        capacity\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := web
			tt.change(&s)
			var b strings.Builder
			writeService(&b, &s)
			if want := "  web              shadow   ports 80, 8000-8010\n" + tt.want; b.String() != want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
}

// The widest service there can be must fit.
func TestWriteServiceFits(t *testing.T) {
	s := policy.Service{Name: strings.Repeat("n", policy.MaxServiceName), Mode: policy.Enforce, Capacity: policy.MaxCapacity,
		Rate:      policy.Rate{SYNPerSource: policy.MaxSYNPerSource, NewPerSource: policy.MaxNewPerSource},
		Overrides: make([]policy.Override, policy.MaxOverrides), Response: policy.Response{BlockAfter: time.Hour}}
	for i := range policy.MaxPortRanges {
		s.Ports = append(s.Ports, policy.PortRange{First: uint16(60000 + 10*i), Last: uint16(60005 + 10*i)})
	}
	for i := range policy.MaxPrefixLimits {
		s.Connections.PerPrefix = append(s.Connections.PerPrefix, policy.PrefixLimit{IPv6: true, Bits: 40 + i, Max: policy.MaxPerPrefix})
		s.Response.BlockFor = append(s.Response.BlockFor, policy.MaxBlockFor-time.Millisecond)
	}
	var b strings.Builder
	writeService(&b, &s)
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > checkColumns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if text := b.String(); !strings.Contains(text, "60630-60635\n") || !strings.Contains(text, "/47\n") || !strings.Contains(text, "719h59m59.999s\n") {
		t.Errorf("something was lost:\n%s", text)
	}
}
