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
	return &policy.Policy{Observe: policy.Observe{MaxSources: 1000, IPv6Source: 64}, Limits: policy.Limits{MaxBlocks: 1000}, Services: svcs}
}

func limit(svc, source string, refuse bool, until policy.Instant) policy.Limit {
	return policy.Limit{Service: svc, Source: netip.MustParsePrefix(source), Mode: policy.Enforce, Refuse: refuse, Exact: true, Until: until, Max: 100}
}

// group is a limit the kernel cannot count: of another length than a source, or with another maximum.
func group(svc, source string, refuse bool, until policy.Instant) policy.Limit {
	l := limit(svc, source, refuse, until)
	l.Exact = false
	return l
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

// compiled is one decision whose ruleset is a golden file.
type compiled struct {
	name string
	p    *policy.Policy
	d    *policy.Decision
	env  Environment
}

// goldens are the decisions behind the rulesets in testdata.
func goldens() []compiled {
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

	short := prefixed()
	short.Services[0].Response.RefuseWith = policy.Drop
	watching := prefixed()
	watching.Services[0].Mode = policy.Shadow
	there := prefixed()
	there.Services[0].Addresses = addressed.Addresses
	single := prefixed()
	single.Observe.IPv6Source = 128
	single.Services[0].Overrides = nil

	within := prefixed()
	within.Services[0].Overrides = append(within.Services[0].Overrides, overrides("2001:db8:7::100/120", "2001:db8:b::5/128", "2001:db8:b::/48")...)

	metering := flood("web", 30*second)
	metering.Meters = []policy.Meter{{Service: "web", Max: 200, Until: 20 * second}}

	return []compiled{
		{"enforce", exempting, flood("web", 30*second), Environment{}},
		{"meter", exempting, &policy.Decision{Meters: metering.Meters}, Environment{}},
		{"meter-and-limits", onePolicy(web()), metering, Environment{}},
		{"others-track", exempting, flood("web", 30*second), Environment{OthersTrack: true}},
		{"shadow", onePolicy(shadow), flood("web", 30*second), Environment{}},
		{"drop", onePolicy(drops), flood("web", 30*second), Environment{}},
		{"addresses", onePolicy(addressed), flood("web", 30*second), Environment{}},
		{"two-services", onePolicy(web(), smtp), both, Environment{}},
		{"ladder", prefixed(), ladder(0), Environment{}},
		{"ladder-drop", short, ladder(0), Environment{}},
		{"ladder-shadow", watching, ladder(0), Environment{}},
		{"ladder-addresses", there, ladder(0), Environment{}},
		{"ladder-single", single, ladder(0), Environment{}},
		{"ladder-finer", within, ladder(0), Environment{}},
		{"block-alone", onePolicy(web()), &policy.Decision{Blocks: ladder(0).Blocks[:1]}, Environment{}},
		{"refuse-without-counting", onePolicy(web()), &policy.Decision{Limits: []policy.Limit{group("web", "198.51.100.7/32", true, 30*second)}}, Environment{}},
		{"proxy", exempting, proxying(30 * second), Environment{OthersTrack: true}},
		{"proxy-drains", onePolicy(web()), proxying(0), Environment{OthersTrack: true}},
		{"proxy-shadow", onePolicy(shadow), proxying(30 * second), Environment{OthersTrack: true}},
		{"proxy-addresses", onePolicy(addressed), proxying(30 * second), Environment{OthersTrack: true}},
		{"ipv6-source-56", wider, slash56, Environment{}},
		{"cut", passing(policy.Forwarded, prefixed()), ladder(0), Environment{OthersTrack: true}},
		{"cut-addresses-drop", passing(policy.Both, onePolicy(addressed)), flood("web", 30*second), Environment{OthersTrack: true}},
		{"cut-finer", passing(policy.Both, within), ladder(0), Environment{OthersTrack: true}},
	}
}

func TestCompileGolden(t *testing.T) {
	for _, tt := range goldens() {
		t.Run(tt.name, func(t *testing.T) {
			r := Compile(tt.p, tt.d, tt.env)
			golden(t, tt.name+".nft", r.Format(0))
		})
	}
}

// overrides give these prefixes limits of their own.
func overrides(list ...string) []policy.Override {
	var out []policy.Override
	for _, p := range prefixes(list...) {
		out = append(out, policy.Override{Prefix: p, PerSource: 2000})
	}
	return out
}

// prefixed is a policy with every prefix length there is: limits for prefixes, a capacity, and an
// office within one of them that has limits of its own.
func prefixed() *policy.Policy {
	svc := web()
	svc.Capacity = 8000
	svc.Connections.PerPrefix = []policy.PrefixLimit{{Bits: 16, Max: 800}, {IPv6: true, Bits: 56, Max: 800}}
	svc.Overrides = []policy.Override{{Prefix: netip.MustParsePrefix("198.51.100.64/26"), PerSource: 2000}}
	p := onePolicy(svc)
	p.Exempt.Prefixes = prefixes("10.0.0.0/8")
	return p
}

// ladder is a decision with every answer there is, made at that time.
func ladder(at policy.Instant) *policy.Decision {
	until, hour := at+30*second, at+3600*second
	d := &policy.Decision{At: at,
		Limits: []policy.Limit{
			limit("web", "198.51.100.7/32", true, until),
			group("web", "198.51.100.0/24", true, until),
			group("web", "203.0.0.0/16", true, until),
			limit("web", "2001:db8:7::/64", true, until),
			group("web", "2001:db8:8::1/128", true, until),
			group("web", "2001:db8:9::/56", true, until),
			group("web", "2001:db8:a::/48", true, until),
		},
		Meters: []policy.Meter{{Service: "web", Max: 200, Until: at + 20*second}},
		SSH:    policy.SSH{Ports: []uint16{22, 2222}, Admins: []netip.Addr{netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("2001:db8::77")}},
		Exempt: []policy.Exemption{
			{Prefix: netip.MustParsePrefix("192.0.2.10/32")},
			{Prefix: netip.MustParsePrefix("192.0.2.11/32"), Service: "web", Until: hour},
			{Prefix: netip.MustParsePrefix("192.0.2.12/32"), Service: "smtp"},
			{Prefix: netip.MustParsePrefix("192.0.2.13/32"), Until: at - 1},
		},
	}
	for _, s := range []string{"192.0.2.1/32", "192.0.2.128/24", "192.0.0.0/16", "2001:db8:b::/64", "2001:db8:b::1/128", "2001:db8:c::/56", "2001:db8:d::/48"} {
		d.Blocks = append(d.Blocks, policy.Block{Service: "web", Source: netip.MustParsePrefix(s).Masked(), Mode: policy.Enforce, Until: hour})
	}
	for _, s := range []string{"192.0.2.2/32", "2001:db8:e::/64"} {
		d.Drops = append(d.Drops, policy.SYNDrop{Service: "web", Source: netip.MustParsePrefix(s), Mode: policy.Enforce, Until: until})
	}
	return d
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
