package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var comparePrefixes = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

// scenario is one file of testdata/step.
type scenario struct {
	head   string // everything before the first observation, as it stands in the file
	policy *Policy
	turns  []turn
}

type turn struct {
	line        string
	observation Observation
}

// readScenario parses a file: comments, the policy between "policy" and ".", and lines
//
//	at TIME [estab=N] [tracked=N] [opens=N] [fails=N] [cookies=N] [valid=N] [setting=N] [dropped=N] [overflows=N] [queue=N/MAX] [unread] [census[!] SERVICE SOURCE=HELD ... [+N] ...]
//
// "unread" stands for counters that could not be read, "census!" for an incomplete census, +N for
// connections of sources the census could not keep. Counters stay what they were until they are
// given anew. Indented lines are expected decisions.
func readScenario(t *testing.T, src string) *scenario {
	t.Helper()
	sc := &scenario{}
	head, toml, found := strings.Cut(src, "\npolicy\n")
	toml, rest, found2 := strings.Cut(toml, "\n.\n")
	if !found || !found2 || !strings.HasPrefix(head, "#") {
		t.Fatal("a scenario is a comment, a line \"policy\", TOML, a line \".\", and observations")
	}
	sc.head = head + "\npolicy\n" + toml + "\n.\n"
	p, err := Parse("scenario", []byte(toml))
	if err != nil {
		t.Fatal(err)
	}
	sc.policy = p
	counters := Counters{Valid: true, SynCookies: 1}
	for _, line := range strings.Split(rest, "\n") {
		if !strings.HasPrefix(line, "at ") {
			continue
		}
		o, err := readObservation(p, strings.Fields(line)[1:], &counters)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		sc.turns = append(sc.turns, turn{line: line, observation: o})
	}
	return sc
}

func readObservation(p *Policy, words []string, counters *Counters) (Observation, error) {
	at, err := time.ParseDuration(words[0])
	if err != nil {
		return Observation{}, err
	}
	o := Observation{At: Instant(at), Wall: int64(at)}
	unread := false
	for i, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "unread":
			unread = true
		case "estab":
			counters.CurrEstab = number(value)
		case "cookies":
			counters.CookiesSent = number(value)
		case "tracked":
			counters.ConntrackCount = number(value)
		case "valid":
			counters.CookiesValid = number(value)
		case "fails":
			counters.AttemptFails = number(value)
		case "opens":
			counters.PassiveOpens = number(value)
		case "setting":
			counters.SynCookies = int(number(value))
		case "dropped":
			counters.QueueFullDrops = number(value)
		case "overflows":
			counters.ListenOverflows = number(value)
		case "queue":
			n, limit, _ := strings.Cut(value, "/")
			o.Listeners = []Listener{{Service: p.Services[0].Name, Queue: uint32(number(n)), Backlog: uint32(number(limit))}}
		case "census", "census!":
			o.Census = readCensus(p, o.At, words[i+2:])
			o.Census.Complete = key == "census"
			if !unread {
				o.Counters = *counters
			}
			return o, nil
		default:
			return o, fmt.Errorf("unknown word %q", w)
		}
	}
	if !unread {
		o.Counters = *counters
	}
	return o, nil
}

func readCensus(p *Policy, at Instant, words []string) Census {
	c := Census{Taken: true, From: at}
	for i := range p.Services {
		c.Services = append(c.Services, ServiceCensus{Service: p.Services[i].Name})
	}
	var svc *ServiceCensus
	for _, w := range words {
		src, held, counted := strings.Cut(w, "=")
		switch {
		case strings.HasPrefix(w, "+"):
			svc.Rest = Rest{Sources: 1, Held: int(number(w[1:]))}
			svc.Held += svc.Rest.Held
		case counted:
			prefix, err := netip.ParsePrefix(src)
			if err != nil {
				prefix = Group(netip.MustParseAddr(src), p.Observe.IPv6Source)
			}
			svc.Sources = append(svc.Sources, SourceCensus{Source: prefix, Held: int(number(held))})
			svc.Held += int(number(held))
		default:
			for i := range c.Services {
				if c.Services[i].Service == w {
					svc = &c.Services[i]
				}
			}
		}
	}
	for i := range c.Services {
		slices.SortFunc(c.Services[i].Sources, func(a, b SourceCensus) int { return ComparePrefix(a.Source, b.Source) })
	}
	return c
}

func number(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// showDecision writes a decision as the scenarios state it.
func showDecision(d *Decision) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	if len(d.Watch.Suspicion) > 0 {
		line("suspicion: %s", strings.Join(d.Watch.Suspicion, ", "))
	}
	if d.Watch.Endings {
		line("count what ends")
	}
	if d.Watch.CookiesOff {
		line("SYN cookies are off")
	}
	for _, e := range d.Events {
		text := fmt.Sprintf("event %s", e.Kind)
		if e.Service != "" {
			text += fmt.Sprintf(" %s attack %d", e.Service, e.Attack)
		}
		if e.Source.IsValid() {
			text += " " + e.Source.String()
		} else if e.Count > 1 {
			text += fmt.Sprintf(" (%d)", e.Count)
		}
		if e.Reason != (Reason{}) {
			text += ": " + e.Reason.String()
		}
		if e.Why != "" {
			text += ": " + e.Why
		}
		line("%s", text)
	}
	for _, a := range d.Attacks {
		line("attack %d %s %s since %v, peak %d held by all, %d sources limited", a.ID, a.Service, a.Kind, seconds(a.Began), a.PeakHeld, a.PeakSources)
	}
	for _, l := range d.Limits {
		text := fmt.Sprintf("limit %s %s %s held %d of %d until %v", l.Service, l.Source, l.Mode, l.Held, l.Max, seconds(l.Until))
		if l.Refuse {
			text += " refuse"
		}
		if l.Close {
			text += " close"
		}
		line("%s; %s", text, l.Reason)
	}
	for _, m := range d.Meters {
		line("meter %s %d SYNs/s until %v", m.Service, m.Max, seconds(m.Until))
	}
	for _, w := range d.Watched {
		line("watch %s %s %s until %v", w.Service, w.Source, w.Mode, seconds(w.Until))
	}
	if d.Next != 0 {
		line("next %v", seconds(d.Next))
	}
	return b.String()
}

func seconds(i Instant) time.Duration { return time.Duration(i) }
