package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// atNight is when the fixtures of these tests are.
func atNight() time.Time { return time.Date(2026, 3, 14, 3, 2, 10, 0, time.UTC) }

// crowd is a service with a blocked and a refused source among others.
func crowd() *control.SourceList {
	now := policy.Instant(time.Hour)
	block := &policy.Block{Service: "web", Source: netip.MustParsePrefix("203.0.113.7/32"), Strikes: 2, Until: now.Add(10 * time.Minute), Reason: policy.Reason{Rule: "connections.per_source", Measured: 312, Threshold: 100}}
	limit := &policy.Limit{Service: "web", Source: netip.MustParsePrefix("2001:db8:7::/64"), Refuse: true, Until: now.Add(29 * time.Second), Reason: policy.Reason{Rule: "connections.per_source", Measured: 100, Threshold: 100}}
	list := []policy.Standing{{Source: block.Source, Block: block, Strikes: 2, Known: true, Max: 100}}
	for i := range 30 {
		list = append(list, policy.Standing{Source: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), 32), Known: true, Held: i, Max: 100, RateKnown: true, Rate: float64(30 - i)})
	}
	list = append(list, policy.Standing{Source: limit.Source, Limit: limit, Known: true, Held: 100, Max: 100})
	return &control.SourceList{Calendar: control.Calendar{Now: now, Wall: atNight()}, Counted: control.TimeOf(atNight()), Complete: true,
		Services: []policy.ServiceStandings{{Service: "mail"}, {Service: "web", Mode: policy.Enforce, Sources: list}}}
}

func TestSourcesCommand(t *testing.T) {
	a := answer(t)
	if status, _, errs := a.run("sources"); status != 1 || !strings.Contains(errs, "is starting") {
		t.Errorf("before anything is published: status %d, %s", status, errs)
	}
	a.PublishSources(crowd)
	for _, tt := range []struct {
		line   string
		status int
		lines  int // of the table
		says   string
	}{
		{"sources", 0, 20, "and 12 more: -n shows more"},
		{"sources --all", 0, 32, "198.51.100.0 "},
		{"sources -n 1", 0, 1, "2001:db8:7::/64  web       100/100      -  refused 29s: 100 of 100, connections.per_source"},
		{"sources --state blocked", 0, 1, "203.0.113.7  web         0/100      -  blocked 10m00s, 2 strikes: 312 of 100, connections.per_source"},
		{"sources --within 203.0.113.0/24", 0, 1, "1 source holds 0 connections, counted 0s ago; 1 blocked"},
		{"sources --within 2001:db8:7::9", 0, 1, "2001:db8:7::/64"},
		{"sources --sort new -n 1", 0, 1, "198.51.100.0  web         0/100     30  free"},
		{"sources --service mail", 0, 0, "0 sources hold 0 connections"},
		{"sources --service shop", 1, 0, `there is none called "shop"; there are mail, web`},
	} {
		status, out, errs := a.run(strings.Fields(tt.line)...)
		lines := 0
		for line := range strings.Lines(out) {
			if strings.Contains(line, " web ") {
				lines++
			}
		}
		if status != tt.status || lines != tt.lines || !strings.Contains(out+errs, tt.says) || strings.Contains(out, "\x1b") {
			t.Errorf("%s: status %d, %d lines, want %d with %q:\n%s%s", tt.line, status, lines, tt.lines, tt.says, out, errs)
		}
	}
}

// TestSourcesJSONIsTheAPIs compares what is printed with what the socket answers.
func TestSourcesJSONIsTheAPIs(t *testing.T) {
	a := answer(t)
	a.PublishSources(crowd)
	status, out, errs := a.run("sources", "--json", "--state", "refused", "-n", "3")
	client := control.Dial(a.path)
	defer client.Close()
	want, err := client.Sources(t.Context(), control.SourcesRequest{State: control.SourceRefused, Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(want, "", "  ")
	if err != nil || status != 0 || strings.TrimSpace(out) != string(text) {
		t.Errorf("status %d, %s, %s; the API answers %s", status, out, errs, text)
	}
}

// TestSourcesAgainAndAgain watches until it is interrupted.
func TestSourcesAgainAndAgain(t *testing.T) {
	a := answer(t)
	a.PublishSources(crowd)
	for _, tt := range []struct{ flag, part string }{{"--json", `{"at":`}, {"--all", "32 sources hold"}} {
		ctx, cancel := context.WithCancel(t.Context())
		w := &counting{part: tt.part, after: 3, then: cancel}
		root := newRoot()
		root.SetArgs([]string{"sources", tt.flag, "--watch=100ms", "--socket", a.path})
		root.SetOut(w)
		if err := root.ExecuteContext(ctx); err != nil {
			t.Errorf("%s: %v", tt.flag, err)
		}
		cancel()
		if n := strings.Count(w.text.String(), tt.part); n != 3 {
			t.Errorf("%s: %d pictures, want 3:\n%s", tt.flag, n, w.text.String())
		}
	}
}

// counting calls a function when a text was written so many times.
type counting struct {
	text  bytes.Buffer
	part  string
	after int
	then  func()
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.text.Write(b)
	if strings.Count(c.text.String(), c.part) == c.after {
		c.then()
	}
	return n, err
}

func TestSinceOfAttacks(t *testing.T) {
	now := atNight()
	for text, want := range map[string]string{"2h": "2026-03-14T01:02:10Z", "7d": "2026-03-07T03:02:10Z", "2026-03-13": "2026-03-13T00:00:00Z",
		"2026-03-13 22:01": "2026-03-13T22:01:00Z", "2026-03-13T22:01:00+01:00": "2026-03-13T21:01:00Z", "-2h": "", "yesterday": "", "": ""} {
		got, err := parseSince(text, now)
		if (err != nil) != (want == "") || err == nil && got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
}

func TestSomeAttacks(t *testing.T) {
	a := answer(t)
	now := control.TimeOf(time.Now())
	ago := func(d time.Duration) control.Time { return control.TimeOf(now.Add(-d)) }
	a.PublishAttacks(func() *control.Attacks {
		return &control.Attacks{At: now, Attacks: []control.Attack{{ID: "3", Service: "web", Kind: policy.Churn, Since: now},
			{ID: "2", Service: "mail", Kind: policy.Churn, Since: ago(9 * time.Hour), Ended: ago(3 * time.Hour)},
			{ID: "1", Service: "web", Kind: policy.ConnectionFlood, Since: ago(50 * time.Hour), Ended: ago(49 * time.Hour)}}}
	})
	for _, tt := range []struct {
		line   string
		status int
		ids    string
		says   string
	}{
		{"attacks", 0, "3 2 1", ""},
		{"attacks --service web", 0, "3 1", ""},
		{"attacks --kind churn", 0, "3 2", ""},
		{"attacks --open", 0, "3", ""},
		{"attacks --since 4h", 0, "3 2", ""},
		{"attacks --since 2d --service web", 0, "3", ""},
		{"attacks --service shop", 0, "", "no attack matches"},
		{"attacks --kind flood", 2, "", `--kind: "flood" is not a kind of attack; it must be churn, connection-flood`},
		{"attacks --since soon", 2, "", `--since: "soon" is no time`},
		{"attacks 3 --open", 2, "", "an ID names one attack"},
	} {
		status, out, errs := a.run(append(strings.Fields(tt.line), "--json")...)
		var all control.Attacks
		if err := json.Unmarshal([]byte(out), &all); status == 0 && err != nil {
			t.Errorf("%s: %v", tt.line, err)
		}
		var ids []string
		for i := range all.Attacks {
			ids = append(ids, all.Attacks[i].ID)
		}
		_, text, _ := a.run(strings.Fields(tt.line)...)
		if status != tt.status || strings.Join(ids, " ") != tt.ids || !strings.Contains(text+errs, tt.says) {
			t.Errorf("%s: status %d, %v, %s%s; want %d, %q, %q", tt.line, status, ids, text, errs, tt.status, tt.ids, tt.says)
		}
	}
}
