package control

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/policy"
)

func TestEventsTextGolden(t *testing.T) {
	all := &Events{Events: happened().Events}
	east := TextOptions{Now: night(3, 2, 10, 0).In(time.FixedZone("east", 3600))}
	for name, text := range map[string]string{
		"events":        written(t, WriteEvents, all, east),
		"events_narrow": written(t, WriteEvents, all, TextOptions{Width: 60}),
		"events_color":  written(t, WriteEvents, all, TextOptions{Color: true}),
		"events_nasty":  written(t, WriteEvents, &Events{Events: []Event{nastyEvent(), {}}}, TextOptions{}),
	} {
		golden(t, "text_"+name+".txt", []byte(text))
	}
	if got := written(t, WriteEvents, &Events{}, TextOptions{}); got != "" {
		t.Errorf("nothing happened, but it says %q", got)
	}
}

func TestMissedText(t *testing.T) {
	for _, tt := range []struct {
		events []Event
		says   string
	}{
		{nil, "events after 7 may be missing: ebbgate was not running, or keeps them no more"},
		{happened().Events, "; the next it knows is 1795411190000001"},
	} {
		if got := MissedText(7, &Events{Events: tt.events}); !strings.HasSuffix(got, tt.says) {
			t.Errorf("got %q, want %q", got, tt.says)
		}
	}
}

func TestEventOf(t *testing.T) {
	enforce := policy.Enforce
	reason := policy.Reason{Rule: "connections.per_source", Measured: 312, Threshold: 100}
	for _, tt := range []struct {
		in   policy.Event
		want Event
	}{
		{policy.Event{Kind: policy.AttackBegan, At: 90 * second, Service: "web", Attack: 7, Cause: policy.Churn, Mode: policy.Enforce, Count: 2, Reason: reason, Why: "w"},
			Event{At: night(3, 2, 0, 0), Event: policy.AttackBegan, Service: "web", Attack: "7", Kind: policy.Churn, Mode: &enforce, Count: 2,
				Rule: reason.Rule, Measured: 312, Threshold: 100, Why: "w"}},
		{policy.Event{Kind: policy.ExemptAdded, At: 90 * second, Service: "web", Count: 1}, Event{At: night(3, 2, 0, 0), Event: policy.ExemptAdded, Service: "web", Count: 1}},
		{policy.Event{Kind: policy.CookiesOff, At: 90 * second}, Event{At: night(3, 2, 0, 0), Event: policy.CookiesOff}},
	} {
		if d := cmp.Diff(tt.want, EventOf(&tt.in, calendar()), compareNet); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.in.Kind, d)
		}
	}
}

func TestBoundedEvent(t *testing.T) {
	long := strings.Repeat("ö", maxEventText)
	got := Event{Service: long, Rule: "a" + long, Part: long, Why: "short"}.Bounded()
	if len(got.Service) != maxEventText || len(got.Rule) != maxEventText-1 || len(got.Part) != maxEventText || got.Why != "short" || got.Count != 1 {
		t.Errorf("%d, %d and %d bytes, %q, count %d", len(got.Service), len(got.Rule), len(got.Part), got.Why, got.Count)
	}
	if !strings.HasSuffix(got.Rule, "ö") {
		t.Error("cut within a character")
	}
	if got := cutBytes(strings.Repeat("\x80", 600), 512); len(got) > 512 {
		t.Errorf("%d bytes of what is not UTF-8", len(got))
	}
}

// TestEveryEventHasASentence: nobody must know the name of an event to read what happened.
func TestEveryEventHasASentence(t *testing.T) {
	for _, k := range EventKinds() {
		e := Event{Event: k, Service: "web", Kind: policy.Churn, Part: "table", Count: 3}
		if got := EventText(&e); got == "web: "+strings.ReplaceAll(string(k), "-", " ") {
			t.Errorf("%s is told by its name: %q", k, got)
		}
	}
}

// TestEventsWhole: what nobody looks at line by line is not broken.
func TestEventsWhole(t *testing.T) {
	s := happened()
	got := written(t, WriteEvents, &Events{Events: s.Events}, TextOptions{Width: Whole})
	if n := strings.Count(got, "\n"); n != len(s.Events) || strings.Contains(got, "…") {
		t.Errorf("%d lines for %d events:\n%s", n, len(s.Events), got)
	}
}
