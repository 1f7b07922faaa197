package notify

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/mail"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"ebbgate/control"
	"ebbgate/policy"
)

func TestText(t *testing.T) {
	shadow, enforce := policy.Shadow, policy.Enforce
	for _, tt := range []struct {
		event control.Event
		want  string
	}{
		{control.Event{Event: policy.AttackBegan, Service: "web", Kind: policy.ConnectionFlood, Attack: "17", Mode: &enforce,
			Source: netip.MustParsePrefix("203.0.113.7/32"), Rule: "connections.per_source", Measured: 812, Threshold: 100},
			"web: connection-flood began, most by 203.0.113.7: 812 connections held, connections.per_source allows 100 [ebbgate attacks 17]"},
		{control.Event{Event: policy.AttackEnded, Service: "web", Kind: policy.Churn, Attack: "17", Mode: &shadow, Why: "it was quiet for 60s"},
			"web: churn ended: it was quiet for 60s (shadow mode: nothing is done about it) [ebbgate attacks 17]"},
		{control.Event{Event: policy.AttackBegan, Service: "web", Kind: policy.Churn, Count: 8, Rule: "rate.new_per_source", Measured: 90, Threshold: 50},
			"web: churn began, by 8 sources: 90 new connections a second, rate.new_per_source allows 50"},
		{control.Event{Event: policy.SourceBlocked, Service: "web", Source: netip.MustParsePrefix("203.0.113.7/32"), Mode: &enforce, Rule: policy.RuleByHand, Why: "for 1h: scraper"},
			"web: 203.0.113.7 is blocked: by hand; for 1h: scraper"},
		{control.Event{Event: policy.SourceBlocked, Service: "web", Count: 1}, "web: 1 source is blocked"},
		{control.Event{Event: policy.SourceBlocked, Service: "web", Count: 1200}, "web: 1,200 sources are blocked"},
		{control.Event{Event: policy.ModeChanged, Service: "web", Mode: &enforce, Why: "by hand, for 15m"}, "web: now in enforce mode: by hand, for 15m"},
		{control.Event{Event: policy.ModeChanged, Service: "web", Mode: &shadow}, "web: now in shadow mode"},
		{control.Event{Event: policy.ModeChanged, Service: "web"}, "web: the mode has changed"},
		{control.Event{Event: policy.LimitRaised, Service: "web", Mode: &shadow, Count: 2, Rule: "a\x1b", Measured: 2, Threshold: 1}, `web: 2 sources would be limited: a\x1b: 2 measured, 1 is normal at most (shadow mode: nothing is done about it)`},
		{control.Event{Event: policy.SourceBlocked, Service: "web", Count: 40}, "web: 40 sources are blocked"},
		{control.Event{Event: policy.SourceBlocked, Service: "web", Source: netip.MustParsePrefix("2001:db8::/64"), Count: 1}, "web: 2001:db8::/64 is blocked"},
		{control.Event{Event: control.Degraded, Part: "kernel rules", Why: "no such\x1b[2Jfile\n"}, `does not work: kernel rules: no such\x1b[2Jfile\x0a`},
		{control.Event{Event: Unreachable, Why: "for 31s: x"}, "ebbgate cannot be reached: for 31s: x"},
		{control.Event{Event: "brand-new"}, "brand new"},
	} {
		if got := Text(&tt.event); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestRepeatsAreTold(t *testing.T) {
	for n, want := range map[int]string{0: "began [ebbgate attacks 7]", 1: "(and once more meanwhile)", 4: "(and 4 times more meanwhile)"} {
		if got := compose("h", []item{{event: began(1, "web"), repeats: n}}, 0); !strings.HasSuffix(got.Text, want) || got.Repeats != n {
			t.Errorf("%d: %+v", n, got)
		}
	}
}

func TestFormats(t *testing.T) {
	n := compose("victim", []item{itemOf(began(1, "web")), {event: ended(2, "<@U1>"), repeats: 2}}, 3)
	if n.Count != 4 || !strings.HasPrefix(n.Text, "victim: 4 events: 1 attack-began, 3 attack-ended (3 events before were dropped: nobody was told)") {
		t.Errorf("digest %+v", n)
	}
	for _, f := range Formats() {
		b, err := f.body(n)
		if err != nil {
			t.Fatal(err)
		}
		switch f {
		case JSON:
			var keys map[string]json.RawMessage
			if err := json.Unmarshal(b, &keys); err != nil || bytes.Count(b, []byte("\n")) != 1 {
				t.Errorf("%s: %v", b, err)
			}
			for _, k := range []string{"id", "at", "event", "service", "attack", "kind", "mode", "source", "count", "rule", "measured", "threshold", "part", "why",
				"host", "importance", "text", "lines", "repeats", "dropped"} {
				if _, ok := keys[k]; !ok {
					t.Errorf("no key %q in %s", k, b)
				}
			}
		case Slack:
			var keys map[string]string
			if err := json.Unmarshal(b, &keys); err != nil || len(keys) != 1 || strings.Contains(keys["text"], "<@") || !strings.Contains(keys["text"], "&lt;@U1&gt;") {
				t.Errorf("%s: %v", b, err)
			}
		case Plain:
			if want := n.Text + "\n" + strings.Join(n.Lines, "\n") + "\n"; string(b) != want {
				t.Errorf("%s", b)
			}
		case Mail:
			m, err := mail.ReadMessage(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(m.Body)
			if !strings.Contains(m.Header.Get("Subject"), "[ebbgate] victim: 4 events") || m.Header.Get("Auto-Submitted") != "auto-generated" || !strings.Contains(string(body), n.Lines[1]) {
				t.Errorf("%v\n%s", m.Header, body)
			}
		}
	}
	if _, err := ParseFormat("yaml"); err == nil || !strings.Contains(err.Error(), "json, slack, text or mail") {
		t.Errorf("got %v", err)
	}
}

// FuzzMail: nothing in an event adds a header or a line before the body.
func FuzzMail(f *testing.F) {
	f.Add("web", "quiet\r\nBcc: x@example.org\r\n\r\nx")
	f.Add("\x00é\u202e", strings.Repeat("長", 500))
	f.Fuzz(func(t *testing.T, service, why string) {
		n := compose("victim\n", []item{{event: control.Event{Event: policy.AttackBegan, Service: service, Why: why}}}, 0)
		b, err := Mail.body(n)
		if err != nil || !utf8.Valid(b) || strings.ContainsAny(n.Text, "\r\n\x1b\x00") {
			t.Fatalf("%q, %v", b, err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(b))
		if err != nil || len(m.Header) != 5 {
			t.Fatalf("%q: %v", b, err)
		}
		if _, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
			t.Errorf("%q: %v", m.Header.Get("Subject"), err)
		}
	})
}
