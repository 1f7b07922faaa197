package enforcer

import (
	"slices"
	"strings"
	"testing"

	"ebbgate/policy"
)

// passing returns a copy of the policy whose services are passed on, and refuse silently where the policy
// names their addresses.
func passing(traffic policy.Traffic, p *policy.Policy) *policy.Policy {
	out := *p
	out.Services = slices.Clone(p.Services)
	for i := range out.Services {
		s := &out.Services[i]
		s.Traffic = traffic
		if len(s.Addresses) > 0 {
			s.Response.RefuseWith = policy.Drop
		}
	}
	return &out
}

// chains returns the names of a ruleset's chains.
func chains(r Ruleset) []string {
	var names []string
	for _, c := range r.Chains {
		names = append(names, c.Name)
	}
	return names
}

// TestCutsOnlyWhereItMay: nothing looks at conntrack's word unless forwarded connections may be cut.
func TestCutsOnlyWhereItMay(t *testing.T) {
	block := &policy.Decision{Blocks: ladder(0).Blocks[:1]}
	shadow, keeping := web(), web()
	shadow.Mode = policy.Shadow
	keeping.Connections.CloseExcess = false
	for _, tt := range []struct {
		name    string
		svc     policy.Service
		traffic policy.Traffic
		d       *policy.Decision
		track   bool
		want    bool
	}{
		{"forwarded, limits", web(), policy.Forwarded, flood("web", 30*second), true, true},
		{"both, limits", web(), policy.Both, flood("web", 30*second), true, true},
		{"forwarded, a block", web(), policy.Forwarded, block, true, true},
		{"local", web(), policy.Local, flood("web", 30*second), true, false},
		{"nobody tracks", web(), policy.Forwarded, flood("web", 30*second), false, false},
		{"shadow", shadow, policy.Forwarded, flood("web", 30*second), true, false},
		{"excess is kept", keeping, policy.Forwarded, flood("web", 30*second), true, false},
		{"excess is kept, a block", keeping, policy.Forwarded, block, true, true},
	} {
		got := chains(Compile(passing(tt.traffic, onePolicy(tt.svc)), tt.d, Environment{OthersTrack: tt.track}))
		for _, name := range []string{"cut", "prod"} {
			if slices.Contains(got, name) != tt.want {
				t.Errorf("%s: chains %v; want %q among them: %v", tt.name, got, name, tt.want)
			}
		}
	}
}

// TestCutLeavesFirst: whatever conntrack knows, the host itself and what is exempt, at either end, leave
// before anything is cut (P4, P7).
func TestCutLeavesFirst(t *testing.T) {
	p := passing(policy.Forwarded, prefixed())
	p.Exempt.Prefixes = append(p.Exempt.Prefixes, prefixes("2001:db8:1::/48")...)
	r := Compile(p, ladder(0), Environment{OthersTrack: true})
	at := slices.IndexFunc(r.Chains, func(c Chain) bool { return c.Name == "cut" })
	var texts []string
	for _, rule := range r.Chains[at].Rules {
		texts = append(texts, rule.Text)
	}
	first := strings.Join(texts, "\n")
	want := `ct state established,related,untracked accept
iif "lo" accept
ip saddr @exempt4 accept
ip6 saddr @exempt6 accept
tcp dport @sshports ip saddr @admins4 accept
tcp dport @sshports ip6 saddr @admins6 accept
ip daddr @exempt4 accept
ip6 daddr @exempt6 accept
`
	if !strings.HasPrefix(first, want) {
		t.Errorf("the chain begins with\n%s\nwant\n%s", first, want)
	}
}
