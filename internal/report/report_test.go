package report

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

func render(t *testing.T, f *Facts) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	for name, f := range map[string]*Facts{"flood": flood(), "slow_shadow": slow(), "spoofed_open": spoofed()} {
		got := render(t, f)
		path := filepath.Join("testdata", name+".html")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is not as it was; look at it in a browser, then: go test ./internal/report -update", path)
		}
	}
}

func TestSaysWhatHappened(t *testing.T) {
	floodInShadow := flood()
	floodInShadow.Attack.Mode, floodInShadow.Attack.FirstRule = policy.Shadow, control.Time{}
	unanswered := flood()
	unanswered.Attack.FirstRule = control.Time{}
	immediate := flood()
	immediate.Attack.FirstRule = immediate.Attack.Since
	old := flood()
	old.Attack.Policy = nil
	winter := flood()
	winter.Zone = time.FixedZone("", -5*3600-1800)
	for _, tt := range []struct {
		name      string
		facts     *Facts
		has, lack []string
	}{
		{"a flood", flood(), []string{
			"Connection flood on web", "14 March 2026, 03:59:00 (UTC+01:00)", "It lasted 3m10s, until 04:02:10.",
			"held back up to 838 sources at a time, marked 1,304 connections beyond the limits for closing and blocked sources that went on (3 blocks)",
			"0.41s after the attack was recognised", "Full for about 3s", "capacity 2,500", "198.51.100.0/24", "per_source   = 100",
			"{ ipv6 = 48, limit = 800 }", "block_for   = [&#34;10m&#34;, &#34;1h&#34;]", "nothing was measured for 30s in all", "shop-1.example.net", "0.7.0",
			"every source was quiet for 1m0s, or is blocked", "Limits lifted: 12"},
			[]string{"would have", "Still open", "There are no plots"}},
		{"in shadow mode", floodInShadow, []string{"Shadow mode: only watched", "In enforce mode it would have held back", "only counted: shadow mode",
			"Would have been done: sources limited: 12"}, []string{"First rule", "ebbgate held back"}},
		{"without a rule", unanswered, []string{"No rule was put into the kernel"}, []string{"ebbgate held back"}},
		{"with a rule at once", immediate, []string{"The first rule was in the kernel at once.", "&lt;10ms"}, []string{"0s after"}},
		{"of an earlier version", old, []string{"was not kept", "what the policy said then was not kept"}, []string{"[[service]]"}},
		{"in another zone", winter, []string{"13 March 2026, 21:29:00 (UTC-05:30)"}, []string{"UTC+01:00"}},
		{"a slow application", slow(), []string{"The application behind mail was slow", "It was slow", "Nobody was limited", "129 connections waited",
			"The accept queue of 0.0.0.0:25 (postfix.service) was full", "recognised by no key"}, []string{"Packets refused", "SYNs a second"}},
		{"open, without samples", spoofed(), []string{"Still open", "still open after 25s", "There are no plots: no history is kept", "Not known",
			"forged addresses", "Nobody was limited", "a host of unknown name", "No source or prefix is named", "90,211"}, []string{"<figure>", "The attack ended", "lasted</dt>"}},
	} {
		got := render(t, tt.facts)
		for _, text := range tt.has {
			if !strings.Contains(got, text) && !strings.Contains(got, strings.ReplaceAll(text, "+", "&#43;")) {
				t.Errorf("%s: there is no %q", tt.name, text)
			}
		}
		for _, text := range tt.lack {
			if strings.Contains(got, text) || strings.Contains(got, strings.ReplaceAll(text, "+", "&#43;")) {
				t.Errorf("%s: there is %q", tt.name, text)
			}
		}
	}
}

func TestEveryKindIsTold(t *testing.T) {
	for _, kind := range append(policy.Kinds(), "of-the-future") {
		for _, mode := range []policy.Mode{policy.Shadow, policy.Enforce} {
			f := flood()
			f.Attack.Kind, f.Attack.Mode = kind, mode
			got := render(t, f)
			if !strings.Contains(got, string(kind)) || strings.Contains(got, "%!") {
				t.Errorf("%s in mode %s is not told", kind, mode)
			}
			limits := strings.Contains(got, "Nobody was limited")
			if want := kind == policy.SpoofedSYNFlood || kind == policy.SlowApplication; limits != want {
				t.Errorf("%s: it says that nobody was limited: %t, want %t", kind, limits, want)
			}
		}
	}
}

func TestServed(t *testing.T) {
	calm, silent := flood(), flood()
	for i := range calm.Samples.Samples {
		calm.Samples.Samples[i].Held = 700
		silent.Samples.Samples[i].Queue = 0
	}
	silent.Attack.Policy.Capacity = 0
	brief := flood()
	brief.Samples = calm.Samples
	calm.Attack.PeakHeld = 2499
	waiting := flood()
	waiting.Attack.Policy.Capacity = 0
	empty := flood()
	empty.Samples = &control.Samples{}
	for _, tt := range []struct {
		name, class, short string
		facts              *Facts
	}{
		{"never full", "calm", "Kept, as far as connections show", calm},
		{"full", "care", "Full for about 3s", flood()},
		{"capacity not known", "plain", "No sign that it was not", silent},
		{"capacity not known, and some waited", "plain", "Clients may have waited", waiting},
		{"slow", "care", "It was slow", slow()},
		{"not measured", "plain", "Not known", spoofed()},
		{"no sample yet", "plain", "Not known", empty},
		{"full between two samples", "care", "Full for a moment", brief},
	} {
		if v := served(tt.facts); v.Class != tt.class || v.Short != tt.short || len(v.Why) == 0 {
			t.Errorf("%s: %+v, want %s %q", tt.name, v, tt.class, tt.short)
		}
	}
}

func TestTimelineIsInOrder(t *testing.T) {
	f := flood()
	got := timeline(f.Attack, newClock(f))
	if len(got) != 8 || got[0].What != "The attack was recognised" || got[4].What != "Blocked by hand: 203.0.113.9" || got[7].What != "The attack ended" || got[2].What != "First rule in the kernel" {
		t.Errorf("told are %+v", got)
	}
	for i := range got {
		if got[i].Mark != i+1 || i > 0 && got[i].At.Before(got[i-1].At) {
			t.Errorf("moment %d is %+v", i+1, got[i])
		}
	}
	f.Attack.ChangesLost = 2
	if page := render(t, f); !strings.Contains(page, "2 more changes between these are not kept.") {
		t.Error("it is not told that changes are missing")
	}
	night := newClock(f)
	if got := night.stamp(begin.Add(24 * time.Hour)); got != "15 Mar 2026 03:59:00" {
		t.Errorf("a day later is %q", got)
	}
	summer := clock{mustZone(t, "Europe/Berlin"), time.Date(2026, 3, 29, 0, 59, 0, 0, time.UTC)}
	summer.began = summer.began.In(summer.in)
	if got := summer.stamp(summer.began.Add(time.Hour)); got != "03:59:00 UTC+02:00" {
		t.Errorf("after the clocks were changed it is %q", got)
	}
}

func mustZone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// broken is a writer that takes nothing.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestWriteTellsWhatTheWriterSays(t *testing.T) {
	if err := Write(broken{}, flood()); err == nil || err.Error() != "write report: no space left on device" {
		t.Errorf("error %v", err)
	}
}
