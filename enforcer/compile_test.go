package enforcer

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/policy"
)

// update rewrites the golden files. Commit a rewrite only when every changed line is wanted.
var update = flag.Bool("update", false, "rewrite the golden files in testdata")

const second = policy.Instant(time.Second)

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// web is a service in enforce mode on ports 80 and 8000-8010 with a limit of 100.
func web() policy.Service {
	return policy.Service{Name: "web", Mode: policy.Enforce,
		Ports:       []policy.PortRange{{First: 80, Last: 80}, {First: 8000, Last: 8010}},
		Connections: policy.Connections{PerSource: 100, CloseExcess: true},
		Response:    policy.Response{Lease: 30 * time.Second, Quiet: time.Minute}}
}

func onePolicy(svcs ...policy.Service) *policy.Policy {
	return &policy.Policy{Observe: policy.Observe{MaxSources: 1000, IPv6Source: 64}, Services: svcs}
}

func limit(svc, source string, refuse bool, until policy.Instant) policy.Limit {
	return policy.Limit{Service: svc, Source: netip.MustParsePrefix(source), Mode: policy.Enforce, Refuse: refuse, Until: until, Max: 100}
}

// flood is a decision that refuses one source of each family and holds two more.
func flood(svc string, until policy.Instant) *policy.Decision {
	return &policy.Decision{
		Limits: []policy.Limit{
			limit(svc, "198.51.100.7/32", true, until),
			limit(svc, "203.0.113.9/32", false, until),
			limit(svc, "2001:db8:7::/64", true, until),
		},
		Watched: []policy.Watched{{Service: svc, Source: netip.MustParsePrefix("192.0.2.50/32"), Mode: policy.Enforce, Until: until}},
	}
}

func TestCompileGolden(t *testing.T) {
	shadow, drops, addressed, smtp := web(), web(), web(), web()
	shadow.Mode = policy.Shadow
	drops.Response.RefuseWith = policy.Drop
	addressed.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
	smtp.Name, smtp.Ports = "smtp", []policy.PortRange{{First: 25, Last: 25}}
	exempting := onePolicy(web())
	exempting.Exempt.Prefixes = prefixes("10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8", "192.0.2.10/32", "2001:db8:1::/48")
	wider := onePolicy(web())
	wider.Observe.IPv6Source = 56

	both := flood("web", 30*second)
	both.Limits = append([]policy.Limit{limit("smtp", "198.51.100.7/32", true, 20*second)}, both.Limits...)
	slash56 := &policy.Decision{Limits: []policy.Limit{limit("web", "2001:db8:0:100::/56", true, 30*second)}}

	metering := flood("web", 30*second)
	metering.Meters = []policy.Meter{{Service: "web", Max: 200, Until: 20 * second}}

	tests := []struct {
		name string
		p    *policy.Policy
		d    *policy.Decision
		env  Environment
	}{
		{"enforce", exempting, flood("web", 30*second), Environment{}},
		{"meter", exempting, &policy.Decision{Meters: metering.Meters}, Environment{}},
		{"meter-and-limits", onePolicy(web()), metering, Environment{}},
		{"others-track", exempting, flood("web", 30*second), Environment{OthersTrack: true}},
		{"shadow", onePolicy(shadow), flood("web", 30*second), Environment{}},
		{"drop", onePolicy(drops), flood("web", 30*second), Environment{}},
		{"addresses", onePolicy(addressed), flood("web", 30*second), Environment{}},
		{"two-services", onePolicy(web(), smtp), both, Environment{}},
		{"ipv6-source-56", wider, slash56, Environment{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Compile(tt.p, tt.d, tt.env)
			golden(t, tt.name+".nft", r.Format(0))
		})
	}
}

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

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

func TestMergePrefixes(t *testing.T) {
	tests := []struct {
		name string
		in   []netip.Prefix
		want []string
	}{
		{"none", nil, nil},
		{"contained", prefixes("10.0.0.0/8", "10.2.0.0/16"), []string{"10.0.0.0-10.255.255.255"}},
		{"adjacent", prefixes("10.0.0.0/9", "10.128.0.0/9"), []string{"10.0.0.0-10.255.255.255"}},
		{"apart", prefixes("10.0.0.1/32", "10.0.0.3/32"), []string{"10.0.0.1-10.0.0.1", "10.0.0.3-10.0.0.3"}},
		{"all", prefixes("0.0.0.0/0", "10.0.0.0/8"), []string{"0.0.0.0-255.255.255.255"}},
		{"the last address", prefixes("255.255.255.255/32", "255.255.255.254/32"), []string{"255.255.255.254-255.255.255.255"}},
		{"other family left out", prefixes("2001:db8::/32"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, s := range merge(tt.in, families[0]) {
				got = append(got, s.first.String()+"-"+s.last.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
