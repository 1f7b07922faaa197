package enforcer

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ebbgate/policy"
)

// planned returns the operations of a plan on one object by name, such as "delete set web_conn4".
func planned(p *Plan, verb Verb, object Object) []string {
	var names []string
	for _, o := range p.Ops {
		if o.Verb == verb && o.Object == object {
			names = append(names, o.Set.Name+o.Chain.Name+o.Counter)
		}
	}
	return names
}

// TestOnlyWhatChangedIsMadeAnew: a new policy replaces the sets it redefines and the rules that use
// them. The table, its blocks and its counters stay.
func TestOnlyWhatChangedIsMadeAnew(t *testing.T) {
	change := func(edit func(*policy.Policy)) *policy.Policy {
		p := prefixed()
		p.Services = slices.Clone(p.Services)
		edit(p)
		return p
	}
	svc := func(edit func(*policy.Service)) *policy.Policy {
		return change(func(p *policy.Policy) { edit(&p.Services[0]) })
	}
	meter := func(d *policy.Decision) { d.Meters = []policy.Meter{{Service: "web", Max: 500, Until: 20 * second}} }
	tests := []struct {
		name   string
		policy *policy.Policy
		edit   func(*policy.Decision)
		sets   string // that are made anew
	}{
		{"per_source", svc(func(s *policy.Service) { s.Connections.PerSource = 300 }), nil, "web_conn4 web_conn6"},
		{"ports", svc(func(s *policy.Service) { s.Ports = []policy.PortRange{{First: 90, Last: 90}} }), nil, "web_conn4 web_conn6"},
		{"addresses", svc(func(s *policy.Service) { s.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")} }), nil, "web_conn4 web_conn6"},
		{"refuse_with", svc(func(s *policy.Service) { s.Response.RefuseWith = policy.Drop }), nil, ""},
		{"rate of the meter", prefixed(), meter, "web_over4 web_over6 web_rate4 web_rate6"},
		{"max_blocks", change(func(p *policy.Policy) { p.Limits.MaxBlocks = 5000 }), nil,
			"web_block4 web_block4p16 web_block4p24 web_block6 web_block6p128 web_block6p48 web_block6p56"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have := Compile(prefixed(), ladder(0), Environment{})
			d := ladder(0)
			if tt.edit != nil {
				tt.edit(d)
			}
			want := Compile(tt.policy, d, Environment{})
			plan := Diff(held(have), want, 0)
			if plan.Replaces() {
				t.Fatalf("the table is replaced:\n%s", plan.String())
			}
			if got := strings.Join(planned(&plan, Delete, ObjectSet), " "); got != tt.sets {
				t.Errorf("made anew are %q, want %q", got, tt.sets)
			}
			if gone := planned(&plan, Delete, ObjectCounter); len(gone) > 0 {
				t.Errorf("counters are lost: %v", gone)
			}
			leads(t, 0, have, want, 0)
		})
	}
}

// TestBlocksKeepTheirTime: a block set that is made anew holds what the old one held.
func TestBlocksKeepTheirTime(t *testing.T) {
	p := prefixed()
	have := Compile(p, ladder(0), Environment{})
	p.Limits.MaxBlocks = 5000
	plan := Diff(held(have), Compile(p, ladder(0), Environment{}), 0)
	for _, name := range []string{"web_block4", "web_block6p48"} {
		before, after := findSet(&have, name), findSet(&plan.After, name)
		if fmt.Sprint(before.Elements) != fmt.Sprint(after.Elements) || len(after.Elements) == 0 {
			t.Errorf("%s held %v and holds %v", name, before.Elements, after.Elements)
		}
	}
}

// TestWhoIsNotWatchedIsNotCounted: what the kernel counted for a source that ceases to be watched goes
// with it, as nothing sees those connections end.
func TestWhoIsNotWatchedIsNotCounted(t *testing.T) {
	watch := func(until policy.Instant, sources ...string) Ruleset {
		d := &policy.Decision{}
		for _, s := range sources {
			d.Watched = append(d.Watched, policy.Watched{Service: "web", Source: netip.MustParsePrefix(s), Mode: policy.Enforce, Until: until})
		}
		return Compile(onePolicy(web()), d, Environment{})
	}
	const a, b, c, six = "198.51.100.1/32", "198.51.100.2/32", "198.51.100.3/32", "2001:db8:7::/64"
	tests := []struct {
		name       string
		have, want Ruleset
		now        policy.Instant
		gone       string
	}{
		{"one leaves", watch(30*second, a, b, c), watch(30*second, a, c), 0, "destroy element inet ebbgate web_conn4 { 198.51.100.2 }"},
		{"the first and the last leave", watch(30*second, a, b, c), watch(30*second, b), 0, "destroy element inet ebbgate web_conn4 { 198.51.100.1, 198.51.100.3 }"},
		{"one comes", watch(30*second, a), watch(30*second, a, b), 0, ""},
		{"one is renewed", watch(30*second, a), watch(50*second, a), 20 * second, ""},
		{"of the other family", watch(30*second, a, six), watch(30*second, a), 0, "destroy element inet ebbgate web_conn6 { 2001:db8:7:: }"},
		{"the kernel dropped its lease", watch(30*second, a, b), watch(60*second, b), 31 * second, "destroy element inet ebbgate web_conn4 { 198.51.100.1 }"},
		{"all leave, and the table", watch(30*second, a), Ruleset{}, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan := Diff(held(tt.have), tt.want, tt.now)
			var got []string
			for _, line := range strings.Split(plan.String(), "\n") {
				if strings.HasPrefix(line, "destroy") {
					got = append(got, line)
				}
			}
			if strings.Join(got, "\n") != tt.gone {
				t.Errorf("got %q, want %q in\n%s", got, tt.gone, plan.String())
			}
		})
	}
}

// TestTheFakeRefusesWhatIsNeeded: a plan that deletes what a rule refers to must not pass for good.
func TestTheFakeRefusesWhatIsNeeded(t *testing.T) {
	r := Compile(onePolicy(web()), flood("web", 30*second), Environment{})
	for name, op := range map[string]Op{
		"a set":              {Verb: Delete, Object: ObjectSet, Set: *findSet(&r, "web_conn4")},
		"a chain":            {Verb: Delete, Object: ObjectChain, Chain: *findChain(&r, "web_hold")},
		"a chain with rules": {Verb: Delete, Object: ObjectChain, Chain: *findChain(&r, "pre")},
	} {
		f := Fake{Present: true, Ruleset: r.clone()}
		if err := f.Apply(Plan{Ops: []Op{op}}); err == nil {
			t.Errorf("%s went although it is needed", name)
		}
	}
}
