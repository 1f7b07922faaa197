package main

import (
	"net/netip"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/survey"
)

// planned is a plan for 143 connections.
func planned() *survey.Plan {
	addr := netip.MustParseAddr
	return &survey.Plan{Matched: 143, Waiting: 2, SourceTotal: 12,
		States: []survey.StateCount{{State: 1, Sockets: 140}, {State: 8, Sockets: 3}},
		Sources: []survey.PlannedSource{
			{Source: netip.MustParsePrefix("203.0.113.9/32"), Connections: 100, LongestIdle: 3 * time.Hour},
			{Source: netip.MustParsePrefix("2001:db8:1:2::/64"), Connections: 20, LongestIdle: 90 * time.Second}},
		Spared: []survey.Spared{
			{Reason: survey.SpareSession, Connections: 1, Sources: []netip.Addr{addr("198.51.100.4")}},
			{Reason: survey.SpareExempt, Connections: 17, Sources: []netip.Addr{addr("192.0.2.10"), addr("2001:db8:1::7")}},
			{Reason: survey.SpareHost, Connections: 2, Sources: []netip.Addr{addr("127.0.0.1")}}},
	}
}

// whole is a result of which nothing is missing.
func whole(p *survey.Plan, note string) *closed {
	c := newClosed(p, note)
	c.Complete, c.ToCut = true, p.Matched
	return c
}

func TestGoldenClose(t *testing.T) {
	shown := whole(planned(), "")
	shown.Connections = newConnections(connections()[:2])
	goldens(t, "close_shown", shown)

	done := whole(planned(), "Nobody is exempt: there is no policy at /etc/ebbgate/config.toml.")
	done.Spared, done.Done, done.Cut, done.Gone, done.Refused = []closedSpared{}, true, 130, 3, 1
	goldens(t, "close_done", done)

	many := whole(&survey.Plan{Matched: 250000, SourceTotal: 1, States: []survey.StateCount{{State: 1, Sockets: 250000}}}, "")
	many.ToCut, many.Complete = survey.MaxCut, false
	many.Sources = []closedSource{{"203.0.113.9", 100000, control.Duration(time.Second)}}
	goldens(t, "close_many", many)

	one := whole(&survey.Plan{Matched: 1, Waiting: 1, SourceTotal: 1, States: []survey.StateCount{{State: 1, Sockets: 1}}}, "")
	goldens(t, "close_one", one)

	goldens(t, "close_none", whole(&survey.Plan{Spared: planned().Spared[:1]}, ""))
}
