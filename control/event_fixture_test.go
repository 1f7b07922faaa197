package control

import (
	"net/netip"

	"ebbgate/policy"
)

// firstID is the ID before the first event of the tests.
const firstID = 1795411190000000

// happened is a night's events.
func happened() *Stream {
	enforce, shadow := policy.Enforce, policy.Shadow
	web := Event{Service: "web", Mode: &enforce, Attack: "3", Kind: policy.ConnectionFlood, Count: 1,
		Rule: "connections.per_source", Measured: 312, Threshold: 100}
	one := web
	one.Source = netip.MustParsePrefix("203.0.113.7/32")
	many := web
	many.Count = 480
	events := []Event{
		{Event: Started, Why: "0.1.0"},
		{Event: Ready, Why: "/etc/ebbgate/config.toml"},
		with(web, policy.AttackBegan, ""),
		with(one, policy.LimitRaised, ""),
		with(many, policy.LimitRaised, ""),
		{Event: ExcessClosed, Service: "web", Count: 1212},
		with(one, policy.SourceBlocked, "for 10m0s, its first strike of those that are remembered, while it stays at its limit"),
		{Event: Degraded, Part: "table", Why: "apply transaction: operation not permitted; trying again in 200ms"},
		{Event: Recovered, Part: "table", Why: "after 12s"},
		{Event: policy.CookiesOff, Why: "set net.ipv4.tcp_syncookies=1"},
		{Event: PolicyRefused, Count: 2, Why: "/etc/ebbgate/config.toml:12: service[0].ports[0]: 70000 is not a port"},
		{Event: policy.ExemptAdded, Service: "web", Source: netip.MustParsePrefix("2001:db8::/32"), Why: "office"},
		{Event: policy.AttackEnded, Service: "mail", Mode: &shadow, Attack: "4", Kind: policy.Churn, Why: "every source stayed quiet for 1m0s"},
		{Event: policy.SourceBlocked, Service: "web", Mode: &enforce, Source: netip.MustParsePrefix("203.0.113.7/32"), Rule: policy.RuleByHand, Why: "for 1h: scraper"},
		{Event: policy.ModeChanged, Service: "web", Mode: &enforce, Why: "by hand, for 15m"},
		{Event: policy.ModeChanged, Service: "web", Mode: &shadow, Why: "its time is over"},
		{Event: Stopping},
	}
	return streamOf(events...)
}

func with(e Event, k policy.EventKind, why string) Event {
	e.Event, e.Why = k, why
	return e
}

// streamOf gives events IDs and times, a second apart.
func streamOf(events ...Event) *Stream {
	s := &Stream{Since: firstID}
	for i, e := range events {
		e.ID, e.At = firstID+1+uint64(i), night(3, 0, i%60, 0)
		s.Events = append(s.Events, e.Bounded())
	}
	return s
}

// nastyEvent is one whose every text is a stranger's.
func nastyEvent() Event {
	return Event{Event: policy.EventKind(evil), Service: evil, Attack: evil, Kind: policy.Kind(evil), Rule: evil, Part: evil, Why: evil, Measured: -1, Count: -1}
}
