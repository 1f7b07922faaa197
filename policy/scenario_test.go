package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// scenario is one file of testdata/step: what was observed, turn by turn, and what must be decided.
//
// Its lines are
//
//	# ...        a comment; the first ones say what the file shows
//	policy       begins a policy in TOML, up to a line "."; a second one is a reload
//	at TIME ...  an observation, in the words observing reads
//	and ...      more words of the same observation
//
// and, indented, what must be decided in each turn (showDecision).
type scenario struct {
	turns []turn
	tail  string // what stands behind the last turn
}

type turn struct {
	text        string // its lines as they stand in the file, with the comments and policy before it
	policy      *Policy
	observation Observation
}

// readScenario parses a file.
func readScenario(t *testing.T, src string) *scenario {
	t.Helper()
	if !strings.HasPrefix(src, "# ") {
		t.Fatal("a scenario begins with a comment that says what it shows")
	}
	sc, r := &scenario{}, &observing{counters: Counters{Valid: true, SynCookies: 1}}
	pending := ""
	lines := strings.SplitAfter(src, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSuffix(lines[i], "\n")
		kind, rest, _ := strings.Cut(line, " ")
		var err error
		switch {
		case strings.HasPrefix(line, "  "):
			continue
		case line == "" || kind == "#":
			pending += lines[i]
		case line == "policy":
			block, end := "", i
			for end++; end < len(lines) && lines[end] != ".\n"; end++ {
				block += lines[end]
			}
			r.policy, err = Parse("scenario", []byte(block))
			pending += "policy\n" + block + ".\n"
			i = end
		case kind == "at" && r.policy != nil:
			sc.turns = append(sc.turns, turn{text: pending + lines[i], policy: r.policy})
			pending = ""
			err = r.begin(rest)
		case kind == "and" && len(sc.turns) > 0 && pending == "":
			sc.turns[len(sc.turns)-1].text += lines[i]
			err = r.words(rest)
		default:
			err = fmt.Errorf("neither comment, policy nor observation")
		}
		if err != nil {
			t.Fatalf("line %d: %q: %v", i+1, line, err)
		}
		if len(sc.turns) > 0 {
			sc.turns[len(sc.turns)-1].observation = r.finished()
		}
	}
	sc.tail = pending
	return sc
}

// crowd reads the sources a word stands for, before its "=":
//
//	198.51.100.7           the source the address counts for
//	2001:db8::/56          a source of another length
//	10.0.0.0/8*2000        2,000 addresses (of IPv6: sources) one after the other
//	10.0.0.0/8*2000/24     2,000 addresses, one in each /24
func crowd(p *Policy, word string) ([]netip.Prefix, error) {
	first, count, many := strings.Cut(word, "*")
	if !many {
		if prefix, err := netip.ParsePrefix(first); err == nil {
			return []netip.Prefix{prefix}, nil
		}
		addr, err := netip.ParseAddr(first)
		if err != nil {
			return nil, err
		}
		return []netip.Prefix{Group(addr, p.Observe.IPv6Source)}, nil
	}
	within, err := netip.ParsePrefix(first)
	if err != nil {
		return nil, err
	}
	source := Group(within.Addr(), p.Observe.IPv6Source)
	step := source.Bits()
	count, stride, strides := strings.Cut(count, "/")
	if strides {
		step = int(number(stride))
	}
	var list []netip.Prefix
	for range number(count) {
		if !within.Contains(source.Addr()) {
			return nil, fmt.Errorf("%s has no room for %s sources", within, count)
		}
		list = append(list, source)
		source = netip.PrefixFrom(following(source.Addr(), step), source.Bits())
	}
	return list, nil
}

// following is the first address of the next prefix of a length.
func following(addr netip.Addr, bits int) netip.Addr {
	raw := addr.AsSlice()
	for i := (bits - 1) / 8; i >= 0; i-- {
		add := byte(1)
		if i == (bits-1)/8 {
			add = 1 << (7 - (bits-1)%8)
		}
		raw[i] += add
		if raw[i] >= add {
			break
		}
	}
	next, _ := netip.AddrFromSlice(raw)
	return next
}

// ordered puts an observation's lists into their total order.
func ordered(o *Observation) {
	for i := range o.Census.Services {
		slices.SortFunc(o.Census.Services[i].Sources, func(a, b SourceCensus) int { return ComparePrefix(a.Source, b.Source) })
	}
	for i := range o.Endings.Services {
		slices.SortFunc(o.Endings.Services[i].Sources, func(a, b SourceEndings) int { return ComparePrefix(a.Source, b.Source) })
	}
	for i := range o.SYNs {
		slices.SortFunc(o.SYNs[i].Sources, func(a, b SYNSource) int { return ComparePrefix(a.Source, b.Source) })
	}
	slices.SortFunc(o.SYNs, func(a, b SYNMeter) int { return strings.Compare(a.Service, b.Service) })
	slices.SortFunc(o.Listeners, func(a, b Listener) int { return a.Local.Compare(b.Local) })
	slices.SortFunc(o.Sessions, func(a, b Session) int { return a.From.Compare(b.From) })
	slices.SortFunc(o.Closed, func(a, b Cut) int {
		if c := strings.Compare(a.Service, b.Service); c != 0 {
			return c
		}
		return ComparePrefix(a.Source, b.Source)
	})
}
