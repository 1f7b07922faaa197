package suggest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ebbgate/internal/escape"
	"ebbgate/policy"
)

// noon is when the tests begin.
const noon = 1_790_000_000_000_000_000

// mustParse reads a policy.
func mustParse(t testing.TB, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("test", []byte(text))
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	return p
}

const webPolicy = "[[service]]\nname = \"web\"\nports = [80, \"8000-8010\"]\n"

// at is an observation so many seconds after the start.
func at(seconds float64) policy.Observation {
	d := time.Duration(seconds * float64(time.Second))
	return policy.Observation{At: policy.Instant(time.Hour + d), Wall: noon + int64(d)}
}

// held is a whole census of service web.
func held(seconds float64, counts map[string]int) policy.Observation {
	o := at(seconds)
	s := policy.ServiceCensus{Service: "web"}
	for source, n := range counts {
		s.Sources = append(s.Sources, policy.SourceCensus{Source: prefix(source), Held: n})
		s.Held += n
	}
	slices.SortFunc(s.Sources, func(a, b policy.SourceCensus) int { return policy.ComparePrefix(a.Source, b.Source) })
	o.Census = policy.Census{Taken: true, Complete: true, From: o.At, Services: []policy.ServiceCensus{s}}
	return o
}

// ended is a second in which connections to service web ended.
func ended(seconds float64, counts map[string]int) policy.Observation {
	o := at(seconds)
	s := policy.ServiceEndings{Service: "web"}
	for source, n := range counts {
		s.Sources = append(s.Sources, policy.SourceEndings{Source: prefix(source), Ended: n})
		s.Ended += n
	}
	slices.SortFunc(s.Sources, func(a, b policy.SourceEndings) int { return policy.ComparePrefix(a.Source, b.Source) })
	o.Endings = policy.Endings{Taken: true, From: o.At, Span: time.Second, Services: []policy.ServiceEndings{s}}
	return o
}

func prefix(text string) netip.Prefix {
	if strings.Contains(text, "/") {
		return netip.MustParsePrefix(text)
	}
	a := netip.MustParseAddr(text)
	return netip.PrefixFrom(a, a.BitLen())
}

// crowd are n sources in networks of their own that hold the same.
func crowd(n, held int) map[string]int {
	out := make(map[string]int)
	for i := range n {
		out[fmt.Sprintf("10.%d.%d.1", i/250, i%250)] = held
	}
	return out
}

// with adds sources to a copy.
func with(counts map[string]int, more ...any) map[string]int {
	out := make(map[string]int)
	for k, v := range counts {
		out[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		out[more[i].(string)] = more[i+1].(int)
	}
	return out
}

// steady are censuses every two seconds for half a minute in which nothing changes.
func steady(counts map[string]int) []policy.Observation {
	var out []policy.Observation
	for s := 0.0; s <= 30; s += 2 {
		out = append(out, held(s, counts))
	}
	return out
}

// propose feeds a collector with the policy of web, and checks what holds for every proposal.
func propose(t *testing.T, all []policy.Observation) (*Proposal, *Service) {
	t.Helper()
	return proposeBy(t, Options{Policy: mustParse(t, webPolicy)}, all)
}

func proposeBy(t *testing.T, o Options, all []policy.Observation) (*Proposal, *Service) {
	t.Helper()
	c := New(o)
	for i := range all {
		c.Add(&all[i])
	}
	p := c.Propose(nil)
	p.Render(time.UTC, true)
	if len(p.Services) != 1 {
		t.Fatalf("%d services", len(p.Services))
	}
	parses(t, p)
	return p, &p.Services[0]
}

// parses checks that a snippet is a policy which says what was proposed, also with its overrides.
func parses(t *testing.T, p *Proposal) {
	t.Helper()
	for line := range strings.Lines(p.TOML) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > escape.Columns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	got := mustParse(t, p.TOML)
	for i := range p.Services {
		s, g := &p.Services[i], &got.Services[i]
		if g.Name != s.Service || g.Capacity != s.Capacity.Proposed || g.Connections.PerSource != s.PerSource.Proposed ||
			g.Rate.NewPerSource != s.NewPerSource.Proposed || g.Rate.SYNPerSource != s.SYNPerSource.Proposed || len(g.Overrides) != 0 {
			t.Errorf("the snippet says %+v, not %+v", g, s)
		}
		var limits []policy.PrefixLimit
		if n := s.PerPrefixIPv4.Proposed; n > 0 {
			limits = append(limits, policy.PrefixLimit{Bits: 24, Max: n})
		}
		if n := s.PerPrefixIPv6.Proposed; n > 0 {
			limits = append(limits, policy.PrefixLimit{IPv6: true, Bits: 48, Max: n})
		}
		if !slices.Equal(limits, g.Connections.PerPrefix) {
			t.Errorf("the snippet limits prefixes by %v, not %v", g.Connections.PerPrefix, limits)
		}
	}
	var bare strings.Builder
	for line := range strings.Lines(p.TOML) {
		for _, key := range []string{"[[service.override]]", "prefixes = ", "per_source = ", "new_per_source = "} {
			if strings.HasPrefix(line, "  # "+key) {
				line = line[4:]
				break
			}
		}
		bare.WriteString(line)
	}
	got = mustParse(t, bare.String())
	for i := range p.Services {
		if len(got.Services[i].Overrides) != len(p.Services[i].Heavy) {
			t.Errorf("%d overrides in\n%s", len(got.Services[i].Overrides), bare.String())
		}
	}
}
