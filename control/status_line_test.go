package control

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"ebbgate/policy"
)

func TestStatusLine(t *testing.T) {
	still := func(change func(*Status)) *Status {
		s := peace()
		change(s)
		return s
	}
	for name, tt := range map[string]struct {
		s    *Status
		want string
	}{
		"peace":      {peace(), "watching 2 services, 1,205 connections, no attack"},
		"no census":  {still(func(s *Status) { s.Census = Census{} }), "watching 2 services, no attack"},
		"one of all": {still(func(s *Status) { s.Services = s.Services[1:] }), "watching 1 service, 1 connection, no attack"},
		"attack": {attack(), "ATTACK on web: connection-flood since 02:59:00 UTC, 1,400 sources limited, 3 sources blocked; " +
			"ATTACK on mail: connection-flood since 03:02:09 UTC, 1 source would be limited (shadow mode)"},
		"slow": {still(func(s *Status) {
			s.Services[0].Attacks = []Attack{{Kind: policy.SlowApplication, Since: night(3, 1, 0, 0)}}
		}), "web is SLOW: slow-application since 03:01:00 UTC"},
		"two kinds, since the older": {still(func(s *Status) {
			s.Services[0].Attacks = []Attack{{Kind: policy.SlowApplication, Since: night(3, 1, 0, 0)}, {Kind: policy.Churn, Since: night(3, 0, 0, 0)}}
		}), "ATTACK on web: slow-application, churn since 03:00:00 UTC"},
		"bad reload": {still(func(s *Status) { s.Reload = refused() }),
			"the policy on disk is NOT in force, it has 2 problems (ebbgate check config.toml); watching 2 services, 1,205 connections, no attack"},
		"file that cannot be read": {still(func(s *Status) { s.Reload = NewReload(Time{}, "F", 2, nil, errors.New("x")) }),
			"the policy on disk is NOT in force, it has 1 problem (ebbgate check F); watching 2 services, 1,205 connections, no attack"},
		"degraded": {degraded(), "DEGRADED: census: the kernel interrupted the dump of sockets three times in a row, so that the counts " +
			"below are lower... (and 1 more fault); the policy on disk is NOT in force, it has 2 problems (ebbgate check config.toml); " +
			"watching 2 services, 1,205 connections, no attack"},
		"nothing": {&Status{}, "watching 0 services, no attack"},
	} {
		if got := StatusLine(tt.s); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, tt.want)
		}
	}
}

// TestStatusLineIsBounded has many services attacked, and long texts.
func TestStatusLineIsBounded(t *testing.T) {
	s := attack()
	s.Services = nil
	for i := range 9 {
		s.Services = append(s.Services, Service{Name: fmt.Sprint("s", i), Mode: policy.Enforce, Attacks: []Attack{flood()}, LimitsTotal: 100_000, BlocksTotal: 1_000_000})
	}
	s.Faults = []Fault{{Part: "table", Text: strings.Repeat("the kernel says no ", 100)}}
	s.Reload = NewReload(Time{}, "/"+strings.Repeat("x", 4000), 1, nil, errors.New("x"))
	line := StatusLine(s)
	if !strings.Contains(line, "the kernel says no the...; the policy on disk") || !strings.HasSuffix(line, "ATTACK on s2: connection-flood since 02:59:00 UTC, "+
		"100,000 sources limited, 1,000,000 sources blocked; 6 more services attacked") || strings.Index(line, "on s0: connection-flood since 02:59:00") > 400 {
		t.Errorf("%d bytes: %s", len(line), line)
	}
}

func TestStatusLineIsSafe(t *testing.T) {
	if line := StatusLine(nasty()); Escape(line) != line {
		t.Errorf("%q", line)
	}
}
