package suggest

import (
	"strings"
	"testing"
	"time"

	"ebbgate/policy"
)

// limited is the policy of web with a limit, so that there can be an attack.
const limited = webPolicy + "connections.per_source = 50\n"

func TestAttackIsSaid(t *testing.T) {
	flood := steady(with(crowd(40, 4), "192.0.2.9", 500))
	p, s := proposeBy(t, Options{Policy: mustParse(t, limited)}, flood)
	if !p.Attack || s.Attacks == 0 || !strings.Contains(p.Notes[0], "Figures from an attack are not normal") {
		t.Errorf("%d attacks in\n%s", s.Attacks, p.TOML)
	}
	calm, s := proposeBy(t, Options{Policy: mustParse(t, limited)}, steady(crowd(40, 4)))
	if calm.Attack || s.Attacks != 0 || len(calm.Notes) != 0 {
		t.Errorf("a calm time: %q", calm.Notes)
	}
}

// TestAttackOpenAtTheBeginning is of a recording that begins while limits are in force, read without
// the policy.
func TestAttackOpenAtTheBeginning(t *testing.T) {
	p := mustParse(t, limited)
	var state policy.State
	first := held(-5, with(crowd(40, 4), "192.0.2.9", 500))
	state, d := policy.Step(p, state, first)
	if len(d.Attacks) != 1 {
		t.Fatalf("no attack: %+v", d)
	}
	all := steady(crowd(40, 4))
	all[0].Listeners = []policy.Listener{{Service: "web", Local: mustAddrPort("0.0.0.0:80")}, {Service: "web", Local: mustAddrPort("[::]:81")}}
	got, s := proposeBy(t, Options{State: state}, all)
	if !got.Attack || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], `An attack on service "web" was open at the beginning`) {
		t.Errorf("notes %q", got.Notes)
	}
	if strings.Join(s.Ports, " ") != "80-81" || s.PerSource.Proposed != 20 {
		t.Errorf("got %+v", s)
	}
}

func TestCookiesAndOverflows(t *testing.T) {
	all := steady(crowd(40, 4))
	for i := range all {
		all[i].Counters = policy.Counters{Valid: i != 3, CookiesSent: 1000, ListenOverflows: 7}
		if i > 5 {
			all[i].Counters.CookiesSent = uint64(1000 + 10*i)
		}
		if i > 8 { // the counters begin anew
			all[i].Counters.CookiesSent, all[i].Counters.ListenOverflows = 5, uint64(i-8)
		}
	}
	p, _ := propose(t, all)
	text := strings.Join(p.Notes, "\n")
	if !p.Attack || !strings.Contains(text, "80 SYN cookies were sent") || !strings.Contains(text, "overflowed 6 times") {
		t.Errorf("notes %q", p.Notes)
	}
}

func TestFaultsAreNamedOnceAndStayInTheirLine(t *testing.T) {
	all := steady(crowd(40, 4))
	for i := range all {
		all[i].Faults = []policy.Fault{{Part: "endings", Text: "not permitted:\nports = [1]\x1b[31m."}}
	}
	all[3].Census.Complete = false
	p, _ := propose(t, all)
	want := []string{"1 of 16 censuses were not complete, and do not count.",
		"Not everything could be watched (endings): not permitted:\\x0aports = [1]\\x1b[31m."}
	if strings.Join(p.Notes, "|") != strings.Join(want, "|") {
		t.Errorf("notes %q", p.Notes)
	}
}

func TestNotesAreBounded(t *testing.T) {
	p := &Proposal{}
	for range 100 {
		p.Note("x")
	}
	if len(p.Notes) != maxNotes || !strings.HasPrefix(p.Notes[maxNotes-1], "There is more") {
		t.Errorf("notes %q", p.Notes)
	}
}

func TestServicesOfARecordingAreTakenAsTheyCome(t *testing.T) {
	all := steady(crowd(40, 4))
	for i := range all {
		bad := all[i].Census.Services[0]
		bad.Service = "x\"]\n[[service]]"
		quiet := policy.ServiceCensus{Service: "quiet"}
		all[i].Census.Services = append(all[i].Census.Services, bad, quiet)
	}
	all[2].Listeners = []policy.Listener{{Service: "web", Local: mustAddrPort("0.0.0.0:443")}}
	p, s := proposeBy(t, Options{}, all)
	if s.Service != "web" || s.PerSource.Sustained != 4 || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], `"quiet" is left out`) {
		t.Errorf("%+v, notes %q", s, p.Notes)
	}
}

func TestClockSaysTheDateOfAnotherDay(t *testing.T) {
	var all []policy.Observation
	for i := range 12 {
		all = append(all, held(float64(i)*7200, with(crowd(9, 4), "192.0.2.9", 10+i)))
	}
	p, _ := propose(t, all)
	p.Render(time.UTC, false)
	if !strings.Contains(p.TOML, "by 192.0.2.9, seen 2026-09-22 10:13:20;") || strings.Contains(p.TOML, "mode =") {
		t.Errorf("in\n%s", p.TOML)
	}
}
