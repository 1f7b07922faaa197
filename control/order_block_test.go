package control

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/policy"
)

func target(prefix, service string) Target {
	return Target{Prefix: netip.MustParsePrefix(prefix), Service: service}
}

// shops is a policy of two services in enforce mode and one in shadow mode.
func shops() *policy.Policy {
	return &policy.Policy{
		Limits:   policy.Limits{MaxBlocks: 4},
		Exempt:   policy.Exempt{Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
		Services: []policy.Service{{Name: "web", Mode: policy.Enforce}, {Name: "api", Mode: policy.Enforce}, {Name: "mail"}}}
}

func handBlock(service, source string, since, until policy.Instant) policy.Block {
	return policy.Block{Service: service, Source: netip.MustParsePrefix(source), Mode: policy.Enforce, Since: since, Until: until,
		Reason: policy.Reason{Rule: policy.RuleByHand, At: since}, Note: "scraper"}
}

func TestBlockingIsChecked(t *testing.T) {
	admin := policy.SSH{Ports: []uint16{22}, Admins: []netip.Addr{netip.MustParseAddr("203.0.113.1")}}
	byHand := []policy.Exemption{{Prefix: netip.MustParsePrefix("198.51.100.0/25"), Service: "web"}, {Prefix: netip.MustParsePrefix("2001:db8::/32")}}
	full := []policy.Block{handBlock("api", "203.0.113.8/32", 1, 2), handBlock("web", "203.0.113.8/32", 1, 2), handBlock("web", "203.0.113.9/32", 1, 2)}
	for name, c := range map[string]struct {
		target Target
		d      policy.Decision
		kind   Kind // empty: it can be carried out
		says   string
	}{
		"good":                                {target: target("203.0.113.0/25", ""), d: policy.Decision{SSH: admin, Exempt: byHand}},
		"no such service":                     {target("203.0.113.7/32", "ftp"), policy.Decision{}, KindNotFound, `no service "ftp"`},
		"in shadow mode":                      {target("203.0.113.7/32", "mail"), policy.Decision{}, KindRefused, "ebbgate mode enforce --service mail"},
		"all by hand in shadow mode":          {target("203.0.113.7/32", ""), policy.Decision{Modes: []policy.HandMode{{Service: "api"}, {Service: "web"}}}, KindRefused, "every service is in shadow mode"},
		"by hand in enforce mode":             {target: target("203.0.113.7/32", "mail"), d: policy.Decision{Modes: []policy.HandMode{{Service: "mail", Mode: policy.Enforce}}}},
		"exempt by the policy":                {target("192.0.2.128/25", "web"), policy.Decision{}, KindRefused, "192.0.2.0/24 in exempt.prefixes"},
		"exempt by hand":                      {target("2001:db8:1::/48", "web"), policy.Decision{Exempt: byHand}, KindRefused, "ebbgate unexempt 2001:db8::/32 ends that"},
		"exempt by hand there":                {target("198.51.100.7/32", "web"), policy.Decision{Exempt: byHand}, KindRefused, "ebbgate unexempt 198.51.100.0/25 --service web"},
		"exempt by hand elsewhere":            {target: target("198.51.100.7/32", "api"), d: policy.Decision{Exempt: byHand}},
		"an administrator":                    {target("203.0.113.1/32", ""), policy.Decision{SSH: admin}, KindRefused, "name a service"},
		"an administrator, at a service":      {target: target("203.0.113.1/32", "web"), d: policy.Decision{SSH: admin}},
		"no room":                             {target("203.0.113.7/32", ""), policy.Decision{Blocks: full}, KindFull, "limits.max_blocks of the policy is 4"},
		"room for one":                        {target: target("203.0.113.7/32", "api"), d: policy.Decision{Blocks: full}},
		"no room is needed for what is there": {target: target("203.0.113.8/32", ""), d: policy.Decision{Blocks: full}},
	} {
		e := Blocking{Target: c.target, For: time.Hour}.Check(shops(), &c.d)
		if c.kind == "" && e != nil || c.kind != "" && (e == nil || e.Kind != c.kind || !strings.Contains(e.Message, c.says)) {
			t.Errorf("%s: %v, want %q with %q", name, e, c.kind, c.says)
		}
	}
}

func TestBlockedIsWhatIsInForce(t *testing.T) {
	x := Blocking{Target: target("198.51.100.0/22", ""), For: time.Hour, Reason: "scraper"}
	now := policy.Instant(time.Hour)
	before := &policy.Decision{Blocks: []policy.Block{handBlock("web", "198.51.100.0/22", 1, now.Add(5*time.Hour))}}
	after := &policy.Decision{At: now, Blocks: []policy.Block{handBlock("api", "198.51.100.0/22", now, now.Add(time.Hour)), handBlock("web", "198.51.100.0/22", now, now.Add(time.Hour))},
		Exempt: []policy.Exemption{{Prefix: netip.MustParsePrefix("198.51.100.9/32")}}}
	c := Calendar{Now: now, Wall: night(3, 2, 10, 0).Time}
	done, refusal := x.Outcome(shops(), before, after, c)
	if refusal != nil {
		t.Fatal(refusal)
	}
	got := done.(Blocked)
	want := []string{`it replaces a block at service "web" that had 5h00m left`,
		`service "mail" is in shadow mode: it is not blocked there (ebbgate mode enforce --service mail)`,
		"198.51.100.9 is exempt from every service by hand (ebbgate unexempt)"}
	if diff := cmp.Diff(want, got.Still); diff != "" || got.Total != 2 || got.Blocks[0].Service != "api" || got.Blocks[1].Reason != "scraper" || !got.Blocks[1].ByHand {
		t.Errorf("%+v; still (-want +got):\n%s", got, diff)
	}
	const text = "198.51.100.0/22 is blocked from service \"api\" for 1h00m; its connections there are destroyed\n"
	if out := written(t, WriteBlocked, &got, TextOptions{}); !strings.HasPrefix(string(out), text) || !strings.Contains(string(out), "still: it replaces") {
		t.Errorf("in words:\n%s", out)
	}
	if _, refusal := x.Outcome(shops(), before, before, c); refusal == nil || refusal.Kind != KindFull {
		t.Errorf("not in force, and %v", refusal)
	}
	in := x.Input(now).Block
	if in.Until != now.Add(time.Hour) || in.Note != "scraper" || in.Source != x.Prefix {
		t.Errorf("the decision is given %+v", in)
	}
}

func TestUnblocked(t *testing.T) {
	d := &policy.Decision{At: 1, Limits: []policy.Limit{{Service: "api", Source: netip.MustParsePrefix("203.0.113.7/32")}},
		Blocks: []policy.Block{handBlock("api", "203.0.0.0/16", 1, policy.Instant(time.Hour)), handBlock("web", "203.0.113.7/32", 1, 5), handBlock("web", "203.0.113.8/32", 1, 5)}}
	for name, c := range map[string]struct {
		target        Target
		blocks, freed int    // that end; none: it is refused
		says          string // of what is left, or why it is refused
	}{
		"an address":               {target("203.0.113.7/32", ""), 1, 1, `203.0.0.0/16 around it is blocked at service "api" for 59m59s more`},
		"at a service":             {target("203.0.113.7/32", "web"), 1, 0, ""},
		"a prefix":                 {target("203.0.113.0/24", ""), 2, 1, "203.0.0.0/16 around it"},
		"everybody":                {target("0.0.0.0/0", ""), 3, 1, ""},
		"only a prefix does":       {target("203.0.1.1/32", ""), 0, 0, "by itself, but 203.0.0.0/16 around it is blocked"},
		"nothing, as it is exempt": {target("192.0.2.1/32", ""), 0, 0, "the policy exempts it, by 192.0.2.0/24"},
		"nothing":                  {target("198.51.100.1/32", "web"), 0, 0, `neither blocked nor limited at service "web"; ebbgate explain`},
	} {
		x := Unblocking{c.target}
		e := x.Check(shops(), d)
		if c.blocks+c.freed == 0 {
			if e == nil || e.Kind != KindNotFound || !strings.Contains(e.Message, c.says) {
				t.Errorf("%s: %v, want that %q", name, e, c.says)
			}
			continue
		}
		done, _ := x.Outcome(shops(), d, d, Calendar{Now: 1, Wall: night(3, 2, 10, 0).Time})
		got := done.(Blocked)
		if e != nil || got.Total != c.blocks || got.Freed != c.freed || !strings.Contains(strings.Join(got.Still, "; "), c.says) || c.says == "" && len(got.Still) > 0 {
			t.Errorf("%s: %+v, %v", name, got, e)
		}
	}
}

func TestWhoCannotBeBlocked(t *testing.T) {
	for prefix, says := range map[string]string{
		"127.0.0.1/32": "this host itself", "127.0.0.0/8": "this host itself", "::1/128": "this host itself", "0.0.0.0/0": "this host itself",
		"10.0.0.0/7": "wider than /8", "2001::/15": "wider than /16", "198.51.100.0/22": "", "2001:db8::/33": "",
	} {
		err := CheckBlockable(netip.MustParsePrefix(prefix))
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", prefix, err, says)
		}
	}
	srv := bare()
	for body, says := range map[string]string{
		`{"prefix":"127.0.0.2"}`:                   "this host itself",
		`{"prefix":"10.0.0.0/7"}`:                  "wider than /8",
		`{"prefix":"198.51.100.1","for":9999999}`:  "1s to 30d",
		`{"prefix":"198.51.100.1","reason":"a\n"}`: "one line of printable text",
		`{"mode":"on"}`:                            "unknown field",
	} {
		w := tell(srv, &Peer{}, "POST", "/v1/block", body)
		if w.Code != 400 || !strings.Contains(w.Body.String(), says) || len(srv.Orders()) != 0 {
			t.Errorf("%s: status %d, %s; want %q", body, w.Code, w.Body, says)
		}
	}
}
