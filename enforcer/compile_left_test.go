package enforcer

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ebbgate/policy"
)

func TestCompileLeavesOut(t *testing.T) {
	exempting := onePolicy(web())
	exempting.Exempt.Prefixes = prefixes("198.51.100.0/24", "2001:db8:7::/48")
	tests := []struct {
		name string
		p    *policy.Policy
		d    *policy.Decision
	}{
		{"no limits", onePolicy(web()), &policy.Decision{}},
		{"a service that left the policy", onePolicy(web()), flood("gone", 30*second)},
		{"nothing but exempt sources", exempting, &policy.Decision{Limits: []policy.Limit{
			limit("web", "198.51.100.7/32", true, second), limit("web", "2001:db8:7::/64", true, second)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Compile(tt.p, tt.d, Environment{})
			if tt.name == "nothing but exempt sources" {
				// The service is named, but nothing is refused or held.
				for _, s := range r.Sets {
					if s.Timeout && !s.Map && len(s.Elements) > 0 {
						t.Errorf("set %s holds %d elements, want none", s.Name, len(s.Elements))
					}
				}
				return
			}
			if !r.Empty() {
				t.Errorf("ruleset is not empty:\n%s", r.Format(0))
			}
		})
	}
}

// elementsOf returns the keys in a set, as nft writes them; "no set" if it is not there.
func elementsOf(r *Ruleset, name string) string {
	s := findSet(r, name)
	if s == nil {
		return "no set"
	}
	return elementList(s, s.Elements, 0, true)
}

// TestCompilePlacesByLength: each length the policy knows has its set, whether or not it holds
// anything, and no source is in another one.
func TestCompilePlacesByLength(t *testing.T) {
	d := &policy.Decision{}
	for _, s := range []string{"192.0.2.1/32", "192.0.2.0/24", "192.0.0.0/16", "192.0.0.0/20", "2001:db8::/64",
		"2001:db8::1/128", "2001:db8::/56", "2001:db8::/48", "2001:db8::/40", "2001:db8::/32"} {
		d.Limits = append(d.Limits, group("web", s, true, 30*second))
		d.Blocks = append(d.Blocks, policy.Block{Service: "web", Source: netip.MustParsePrefix(s), Until: 30 * second})
	}
	tests := []struct {
		name string
		p    *policy.Policy
		want map[string]string
	}{
		{"all lengths", prefixed(), map[string]string{"4": "192.0.2.1", "4p24": "192.0.2.0", "4p16": "192.0.0.0", "4p20": "no set",
			"6": "2001:db8::", "6p128": "2001:db8::1", "6p56": "2001:db8::", "6p48": "2001:db8::", "6p40": "no set", "6p32": "no set"}},
		{"no capacity and no prefixes", onePolicy(web()), map[string]string{"4": "192.0.2.1", "4p24": "no set", "4p16": "no set",
			"6": "2001:db8::", "6p128": "2001:db8::1", "6p48": "no set"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Compile(tt.p, d, Environment{})
			for suffix, want := range tt.want {
				for _, kind := range []string{"web_refuse", "web_block"} {
					if got := elementsOf(&r, kind+suffix); got != want {
						t.Errorf("%s holds %s, want %s", kind+suffix, got, want)
					}
				}
			}
			if r.Tracks() {
				t.Error("answers the kernel need not count for switch conntrack on")
			}
		})
	}
}

// TestAddressesOfTheirOwnLeaveBeforeThePlainSource: after the answers to single addresses, and only
// where the policy has any that are longer than a source.
func TestAddressesOfTheirOwnLeaveBeforeThePlainSource(t *testing.T) {
	for _, tt := range []struct {
		name      string
		overrides []string
		bits      int
		want      string
	}{
		{"an address", []string{"2001:db8:7::5/128"}, 64, "2001:db8:7::5"},
		{"nested", []string{"2001:db8:7::5/128", "2001:db8:7::/120", "2001:db8:7::/48"}, 64, "2001:db8:7::/120"},
		{"a source", []string{"2001:db8:7::/64", "198.51.100.7/32"}, 64, "no set"},
		{"a /64 of wider sources", []string{"2001:db8:7::/64"}, 56, "2001:db8:7::/64"},
		{"an address where each is a source", []string{"2001:db8:7::5/128"}, 128, "no set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := onePolicy(web())
			p.Observe.IPv6Source, p.Services[0].Overrides = tt.bits, overrides(tt.overrides...)
			r := Compile(p, ladder(0), Environment{})
			if got := elementsOf(&r, "web_finer6"); got != tt.want {
				t.Errorf("web_finer6 = %s, want %s", got, tt.want)
			}
			for kind, chain := range map[string]string{"block": "web_block", "refuse": "web_refuse", "watch": "web_hold"} {
				at := func(match string) int {
					return slices.IndexFunc(findChain(&r, chain).Rules, func(r Rule) bool { return strings.Contains(r.Text, match) })
				}
				single, leave, plain := at("@web_"+kind+"6p128 "), at("ip6 saddr @web_finer6 return"), at("@web_"+kind+"6 ")
				if found := tt.want != "no set"; plain < 0 || found != (leave >= 0) || found && (leave <= single || leave >= plain) {
					t.Errorf("%s: rule %d asks for single addresses, %d lets go, %d asks for plain sources", chain, single, leave, plain)
				}
			}
		})
	}
}

func TestShadowTracksNothing(t *testing.T) {
	p := prefixed()
	p.Services[0].Mode = policy.Shadow
	r := Compile(p, ladder(0), Environment{})
	if r.Tracks() || strings.Contains(r.Format(0), "reject") || strings.Contains(r.Format(0), "drop\n") || strings.Contains(r.Format(0), "ct ") {
		t.Errorf("shadow mode does more than count:\n%s", r.Format(0))
	}
}

// TestCompileChecksExemptionsTwice: what lies wholly within an exemption is in no set, whatever the
// decision says; what only contains one is.
func TestCompileChecksExemptionsTwice(t *testing.T) {
	hour := 3600 * second
	for _, tt := range []struct {
		name   string
		exempt policy.Exemption
		spared bool
	}{
		{"everywhere", policy.Exemption{}, true},
		{"of this service", policy.Exemption{Service: "web", Until: hour}, true},
		{"of another service", policy.Exemption{Service: "smtp"}, false},
		{"until now", policy.Exemption{Until: 10 * second}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := ladder(10 * second)
			d.Exempt = nil
			for _, s := range []string{"198.51.100.7/32", "192.0.2.0/24", "2001:db8:e::/48"} {
				e := tt.exempt
				e.Prefix = netip.MustParsePrefix(s)
				d.Exempt = append(d.Exempt, e)
			}
			r := Compile(prefixed(), d, Environment{})
			for set, source := range map[string]string{"web_refuse4": "198.51.100.7", "web_watch4": "198.51.100.7", "web_block4": "192.0.2.1",
				"web_block4p24": "192.0.2.0", "web_drop4": "192.0.2.2", "web_drop6": "2001:db8:e::"} {
				if has := strings.Contains(elementsOf(&r, set), source); has == tt.spared {
					t.Errorf("%s names %s: %t", set, source, has)
				}
			}
			if got := elementsOf(&r, "web_block4p16"); got != "192.0.0.0" {
				t.Errorf("a prefix that only contains exempt addresses: %s", got)
			}
		})
	}
}

// TestCompileKeepsToTheSize: one element too many would have the kernel refuse everything.
func TestCompileKeepsToTheSize(t *testing.T) {
	p := onePolicy(web())
	p.Limits.MaxBlocks, p.Observe.MaxSources = 10, 20
	d := bigFlood(100, 30*second)
	for _, l := range d.Limits {
		d.Blocks = append(d.Blocks, policy.Block{Service: "web", Source: l.Source, Until: 30 * second})
	}
	r := Compile(p, d, Environment{})
	for name, want := range map[string]int{"web_refuse4": 20, "web_watch4": 20, "web_block4": 10} {
		if s := findSet(&r, name); len(s.Elements) != want || s.Elements[0].Key != addrKey(d.Limits[0].Source.Addr()) {
			t.Errorf("%s holds %d of 100 sources, want the first %d", name, len(s.Elements), want)
		}
	}
}

// TestAdministratorsAreSparedOnSSHPortsOnly: both sets are needed, and adjacent ports are one range.
func TestAdministratorsAreSparedOnSSHPortsOnly(t *testing.T) {
	d := ladder(0)
	d.SSH.Ports = []uint16{2222, 22, 23, 22, 65535}
	r := Compile(prefixed(), d, Environment{})
	if got := elementsOf(&r, "sshports"); got != "22-23, 2222, 65535" {
		t.Errorf("sshports = %s", got)
	}
	for _, chain := range []string{"pre", "hold"} {
		rules := findChain(&r, chain).Rules
		if !slices.ContainsFunc(rules, func(r Rule) bool { return r.Text == "tcp dport @sshports ip saddr @admins4 accept" }) {
			t.Errorf("chain %s does not spare administrators", chain)
		}
	}
	for _, ssh := range []policy.SSH{{Ports: d.SSH.Ports}, {Admins: d.SSH.Admins}} {
		d.SSH = ssh
		if r := Compile(prefixed(), d, Environment{}); strings.Contains(r.Format(0), "admins") {
			t.Errorf("administrators are spared with %+v", ssh)
		}
	}
}
