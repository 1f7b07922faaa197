package control

import (
	"fmt"
	"strings"
	"time"

	"ebbgate/policy"
)

// textTop is how many prefixes of an attack are named in a line.
const textTop = 3

// attack writes an open attack: what it is, what is done about it, and where it comes from.
func (p *page) attack(all *Status, s *Service, a *Attack) {
	st := alarm
	if a.Kind == policy.SlowApplication {
		st = care
	}
	text := fmt.Sprintf("    %s %s since %s (%s)", Escape(string(a.Kind)), Escape(a.ID), Clock(all.At, a.Since), ago(all.At, a.Since))
	if what := recognised(a); what != "" {
		text += ": " + what
	}
	p.put(st, 6, text)
	if text := response(all, s, a); text != "" {
		p.put(plain, 8, "      "+text)
	}
	if from := topPrefixes(a); from != "" {
		p.put(plain, 8, "      at the peak "+from)
	}
}

// AttackWords says of an open attack what it is and by what it was recognised, what is being done about
// it, and where it came from at its peak; the last two can be empty. Everything in them is escaped.
func AttackWords(all *Status, s *Service, a *Attack) (what, done, from string) {
	return recognised(a), response(all, s, a), topPrefixes(a)
}

// recognised says what an attack is and by what it was recognised.
func recognised(a *Attack) string {
	what := meaning(a)
	switch {
	case a.Evidence == "":
		return what
	case what == "":
		return Escape(a.Evidence)
	}
	return what + " (" + Escape(a.Evidence) + ")"
}

// meaning says what a kind of attack is, in words for somebody who has not read about it.
func meaning(a *Attack) string {
	switch a.Kind {
	case policy.ConnectionFlood:
		return "somebody holds more connections than he may"
	case policy.DistributedFlood:
		return "the service is running full, and no single source is to blame"
	case policy.Churn:
		return "somebody opens connections faster than he may"
	case policy.SYNFlood:
		return "SYNs come faster than they may in the name of a few addresses"
	case policy.SpoofedSYNFlood:
		return "SYNs come from forged addresses, and nobody completes them"
	case policy.SlowApplication:
		return "the application does not keep up with clients that are normal"
	default:
		return ""
	}
}

// response says what is being done. For what must not be answered by limiting anybody it says so,
// and what would help.
func response(all *Status, s *Service, a *Attack) string {
	text := ""
	switch a.Kind {
	case policy.SpoofedSYNFlood:
		text = "NOBODY IS LIMITED, for the addresses are not the sender's: " + spoofedHelp(all, a)
		if how := proxied(s); how != "" {
			text += "; " + how
		}
		return text
	case policy.SlowApplication:
		return "NOBODY IS LIMITED, for fewer clients would not make it faster: " + slowHelp(s, a)
	case policy.DistributedFlood:
		text = shared(s, a)
	case policy.SYNFlood:
		text = metered(s, a)
	case policy.ConnectionFlood:
		text = doing(s, a, "refusing new connections of "+answered(a))
	case policy.Churn:
		text = doing(s, a, "refusing new connections of "+answered(a)+" for a while")
	}
	if a.Why == "" {
		return text
	}
	if text == "" {
		return Escape(a.Why)
	}
	return text + "; " + Escape(a.Why)
}

func answered(a *Attack) string {
	return Counted(a.PeakSources, "source", "sources") + " (at the peak)"
}

func spoofedHelp(all *Status, a *Attack) string {
	switch {
	case a.Why != "":
		return Escape(a.Why)
	case all.Kernel.SynCookies == 0:
		return "SYN cookies are OFF and would help at once; set net.ipv4.tcp_syncookies=1"
	default:
		return "SYN cookies carry it and real clients get through; if the line itself is full, only your provider can help"
	}
}

func slowHelp(s *Service, a *Attack) string {
	if a.Why != "" {
		return Escape(a.Why)
	}
	who := "the application"
	for i := range s.Listeners {
		if s.Listeners[i].Unit != "" {
			who = Escape(s.Listeners[i].Unit)
		}
	}
	return fmt.Sprintf("look at %s (its log, its database, its workers); a restart frees what it holds", who)
}

// doing says what is done to sources, or would be: that is up to the mode now, whichever the attack began in. The
// measures are what ebbgate is doing.
func doing(s *Service, a *Attack, measures ...string) string {
	if a.Excess > 0 {
		measures = append(measures, fmt.Sprintf("closing what is over the limit (%s so far)", Counted(a.Excess, "connection", "connections")))
	}
	if a.Blocked > 0 {
		measures = append(measures, fmt.Sprintf("blocking who goes on (%s so far)", Counted(a.Blocked, "source", "sources")))
	}
	text := strings.Join(measures, ", ")
	switch {
	case s.Mode == policy.Shadow:
		return "shadow mode only watches; else ebbgate would be " + text
	case a.FirstRule.IsZero():
		return "NO RULE IN THE KERNEL YET; ebbgate is about to start " + text
	}
	return "ebbgate is " + text + "; first rule in the kernel " + afterwards(a)
}

// afterwards says how long after it was recognised an attack met its first rule.
func afterwards(a *Attack) string {
	d := a.FirstRule.Sub(a.Since.Time)
	if d < 10*time.Millisecond {
		return "at once"
	}
	return Length(d) + " later"
}

// shared says how the sources of a service that runs full are held to their share.
func shared(s *Service, a *Attack) string {
	var m []string
	if f := s.Share; f != nil {
		m = append(m, shareWords(f))
	}
	if r := s.Relief; r != nil {
		m = append(m, fmt.Sprintf("closing connections that never sent anything until it holds %s", Number(r.Max)))
	}
	switch {
	case len(m) > 0:
		return doing(s, a, m...)
	case s.Capacity == 0:
		return "NOBODY IS LIMITED: the policy does not say how many connections the service can hold; set its capacity"
	default:
		return "nobody is limited now: what the sources hold is within their fair share"
	}
}

func shareWords(f *Share) string {
	each := Number(f.Limit)
	if f.Least < f.Limit {
		each = Number(f.Least) + " to " + each
	}
	return fmt.Sprintf("holding %s to a fair share of %s connections each (%s of %s in all)",
		Counted(f.Sources, "source", "sources"), each, Number(f.Target), Number(f.Capacity))
}

// metered says what is done about SYNs in the name of few addresses.
func metered(s *Service, a *Attack) string {
	if s.DroppedSources > 0 {
		return doing(s, a, fmt.Sprintf("dropping SYNs beyond their rate of %s without a completed handshake", Counted(s.DroppedSources, "address", "addresses")))
	}
	return "ebbgate only counts: SYN cookies carry the load, and dropping by address would let anybody cut a client off by forging his"
}

func topPrefixes(a *Attack) string {
	var top []string
	for _, t := range a.Top[:min(len(a.Top), textTop)] {
		what := "held " + Number(t.Held)
		if a.Kind == policy.Churn && t.PerS > 0 {
			what = "opened " + Number(t.PerS) + " a second"
		}
		top = append(top, fmt.Sprintf("%s %s (%s)", SourceText(t.Prefix), what, Counted(t.Sources, "source", "sources")))
	}
	if len(top) == 0 {
		return ""
	}
	return naming(top, len(a.Top))
}
