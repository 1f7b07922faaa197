package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/control"
	"ebbgate/policy"
)

// TestSectionIsAPolicy has the section a report shows read as a policy, which must say the same.
func TestSectionIsAPolicy(t *testing.T) {
	bare := &control.AttackPolicy{PerSource: 20, PerPrefix: []control.PrefixLimit{}, Lease: control.Duration(30 * time.Second), Quiet: control.Duration(time.Minute)}
	churn := *shopPolicy()
	churn.PerSource, churn.PerPrefix, churn.SYNPerSource, churn.Capacity, churn.CloseExcess = 0, []control.PrefixLimit{}, 0, 0, false
	for name, want := range map[string]*control.AttackPolicy{"whole": shopPolicy(), "bare": bare, "rates only": &churn} {
		a := &control.Attack{Service: "web", Mode: policy.Enforce, Policy: want}
		toml, nature := section(a)
		if !strings.Contains(nature, "when the attack began") {
			t.Errorf("%s: it is said to be %q", name, nature)
		}
		p, err := policy.Parse("report", []byte(strings.Replace(toml, "mode ", "ports = [443]\nmode ", 1)))
		if err != nil {
			t.Errorf("%s: %v in\n%s", name, err, toml)
			continue
		}
		got := control.AttackPolicyOf(&p.Services[0])
		if want.BlockAfter == 0 {
			got.BlockFor = nil // nobody is blocked, so for how long is not shown
		}
		if diff := cmp.Diff(want, got); diff != "" || p.Services[0].Mode != policy.Enforce || p.Services[0].Name != "web" {
			t.Errorf("%s: read back it differs: %s", name, diff)
		}
	}
}

func TestTopIsDrawnToScale(t *testing.T) {
	a := flood().Attack
	got, measure := tops(a)
	if measure != "Held" {
		t.Errorf("measured in %q", measure)
	}
	want := []prefix{{"198.51.100.0/24", "1,140", "12", 100}, {"2001:db8:bad::/48", "400", "1", 35}, {"203.0.113.7", "312", "1", 27}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for i := range a.Top {
		a.Top[i].Held = 0
	}
	a.Top[0].Held = -1
	got, _ = tops(a)
	for _, p := range got {
		if p.Share != 0 {
			t.Errorf("nothing held is drawn as %d %%", p.Share)
		}
	}
	a.Kind = policy.Churn
	a.Top = []control.PrefixCount{{Prefix: a.Top[0].Prefix, Sources: 2, Held: 3, PerS: 80}, {Prefix: a.Top[1].Prefix, Sources: 1, Held: 9, PerS: 20}}
	if got, measure = tops(a); measure != "Opened a second" || got[0].Measured != "80" || got[0].Share != 100 || got[1].Share != 25 {
		t.Errorf("churn: in %q, %+v", measure, got)
	}
}

func TestFigures(t *testing.T) {
	text := func(f *Facts) string {
		var out []string
		for _, x := range figures(f) {
			out = append(out, strings.TrimSpace(x.Value+" "+x.Label+" "+x.Note))
		}
		return strings.Join(out, "; ")
	}
	shadow := flood()
	shadow.Attack.Mode, shadow.Attack.FirstRule, shadow.Attack.Kind, shadow.Attack.PeakRate = policy.Shadow, control.Time{}, policy.SYNFlood, 61000
	for _, tt := range []struct {
		name, want string
		facts      *Facts
	}{
		{"a flood", "3m10s lasted; 2,512 connections held at the peak capacity 2,500; 838 sources held back at a time; 0.41s until the first rule was in the kernel; " +
			"1,304 connections beyond limits, marked for closing; 3 blocks begun", flood()},
		{"SYNs in shadow mode", "3m10s lasted; 2,512 connections held at the peak capacity 2,500; 61,000 SYNs a second at the peak; " +
			"838 addresses over their rate at a time only counted: shadow mode; 1,304 connections beyond limits, marked for closing only counted: shadow mode; " +
			"3 blocks begun only counted: shadow mode", shadow},
		{"slow", "12m00s lasted; 340 connections held at the peak", slow()},
		{"forged", "25s so far; 611 connections held at the peak capacity 2,500; 90,211 SYNs a second at the peak", spoofed()},
	} {
		if got := text(tt.facts); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}
