package compare

import (
	"os/exec"
	"strings"
	"testing"

	"ebbgate/enforcer"
	"ebbgate/internal/demo"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

func TestPolicyHasTheLimitsOfTheStaticRules(t *testing.T) {
	p, err := policy.Parse("policy.toml", []byte(policyText("/run/compare.sock")))
	if err != nil {
		t.Fatal(err)
	}
	svc := p.Services[0]
	if svc.Mode != policy.Enforce || !svc.Ports[0].Contains(demo.ServicePort) || svc.Capacity != demo.Capacity {
		t.Errorf("%+v", svc)
	}
	if svc.Connections.PerSource != perSource || svc.Rate.SYNPerSource != synPerSource || svc.Rate.NewPerSource != newPerSource {
		t.Errorf("%+v", svc)
	}
}

// TestRulesAreLoaded loads the rules of every defence and lists what the kernel has of them.
func TestRulesAreLoaded(t *testing.T) {
	for _, d := range Defences() {
		l := nstest.Lab(t)
		if err := d.load(t.Context(), l.Victim); err != nil {
			t.Error(err)
			continue
		}
		cmd := exec.Command("nft", "list", "ruleset")
		var out strings.Builder
		cmd.Stdout = &out
		if err := l.Victim.Start(cmd); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if loaded := out.String() != ""; loaded != (d.rules != "") {
			t.Errorf("%s: the kernel has\n%s", d.Name, out.String())
		}
		if d.Name == "static" && (!strings.Contains(out.String(), "ct count over 100") || strings.Count(out.String(), "limit rate over 200/second") != 2) {
			t.Errorf("the kernel has\n%s", out.String())
		}
	}
}

func TestRulesThatCannotBeLoaded(t *testing.T) {
	l := nstest.Lab(t)
	d := Defence{Name: "broken", rules: "add rule nowhere\n"}
	if err := d.load(t.Context(), l.Victim); err == nil || !strings.Contains(err.Error(), `the rules of "broken"`) || !strings.Contains(err.Error(), "rror") {
		t.Errorf("error %v, want which rules and what nft says", err)
	}
}

func TestDecisionsAnswerTheirTraffic(t *testing.T) {
	for _, tt := range []struct {
		traffic Traffic
		has     []string
		hasNot  []string
	}{
		{Blocked, []string{"set shop_block4 ", "set shop_refuse4 "}, []string{"set shop_rate4 "}},
		{Established, []string{"set shop_block4 ", "set shop_refuse4 "}, []string{"set shop_rate4 "}},
		{Metered, []string{"set shop_rate4 ", "set shop_drop4 "}, []string{"set shop_block4 "}},
		{Random, []string{"set shop_rate4 "}, []string{"set shop_block4 ", "set shop_drop4 ", "ct count over"}},
	} {
		for _, mode := range []policy.Mode{policy.Shadow, policy.Enforce} {
			r := enforcer.Compile(ratePolicy(mode), rateDecision(tt.traffic, mode, 0), enforcer.Environment{})
			text := r.Format(0)
			for _, s := range tt.has {
				if !strings.Contains(text, s) {
					t.Errorf("%s, %v: there is no %q:\n%s", tt.traffic, mode, s, text)
				}
			}
			for _, s := range tt.hasNot {
				if strings.Contains(text, s) {
					t.Errorf("%s, %v: there is %q:\n%s", tt.traffic, mode, s, text)
				}
			}
			counts := mode == policy.Enforce && (tt.traffic == Blocked || tt.traffic == Established)
			if strings.Contains(text, "ct count over") != counts {
				t.Errorf("%s, %v: ct count %t:\n%s", tt.traffic, mode, !counts, text)
			}
		}
	}
}

func TestSourcesAreApart(t *testing.T) {
	if n := len(randomSources()); n != 60_000 {
		t.Errorf("%d random sources", n)
	}
	for _, a := range randomSources() {
		if a == blockedSource() || a == meteredSource() || legitimate(a) {
			t.Errorf("%v is random and something else", a)
		}
	}
}
