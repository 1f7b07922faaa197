package control

import (
	"fmt"
	"strings"
)

// host writes what is not of one service: kernel, SYN cookies, table, census, daemon, reload.
func (p *page) host(s *Status) {
	k := &s.Kernel
	p.put(plain, 9, fmt.Sprintf("kernel   %s established, %s accepted, %s since boot%s, conntrack %s",
		Number(k.CurrEstab), PerSecond(k.OpensPerS), Counted(k.ListenOverflows, "listen overflow", "listen overflows"),
		overflowing(k), conntrackFill(k)))
	st, words := cookieWords(k)
	p.put(st, 9, "cookies  "+words)
	st, words = tableWords(&s.Table)
	p.put(st, 9, "table    "+words)
	p.shortcomings(&s.Table)
	p.put(plain, 9, "census   "+censusWords(&s.Census))
	p.put(plain, 9, fmt.Sprintf("daemon   ebbgate %s, pid %d, policy %s", Escape(s.Version), s.PID, Escape(s.PolicyFile)))
	if s.Reload != nil && s.Reload.Error == "" && !s.Reload.TrialOver {
		p.put(plain, 9, fmt.Sprintf("reload   policy loaded again at %s (%s ago)", Clock(s.At, s.Reload.At), ago(s.At, s.Reload.At)))
	}
}

// overflowing says that accept queues overflow now, and what that does.
func overflowing(k *Kernel) string {
	if k.OverflowsPerS <= 0 {
		return ""
	}
	return fmt.Sprintf(" (now %s, and %s SYNs and ACKs dropped)", PerSecond(k.OverflowsPerS), PerSecond(k.DropsPerS))
}

func conntrackFill(k *Kernel) string {
	if k.ConntrackMax == 0 {
		return "not in this kernel"
	}
	return fmt.Sprintf("%s of %s", Number(k.ConntrackCount), Number(k.ConntrackMax))
}

// cookieWords says what net.ipv4.tcp_syncookies means here and now (Documentation/networking/
// ip-sysctl.rst), and what to do where it is wrong.
func cookieWords(k *Kernel) (style, string) {
	switch k.SynCookies {
	case 0:
		if k.CookiesMissing {
			return alarm, fmt.Sprintf("SYN cookies are OFF while a SYN flood is on, and SYNs are dropped at %s: "+
				"set net.ipv4.tcp_syncookies=1 now", PerSecond(k.SYNDropsPerS))
		}
		return alarm, "SYN cookies are OFF: a SYN flood can shut every service out; set net.ipv4.tcp_syncookies=1"
	case 1:
		if k.CookiesSentPerS <= 0 {
			return plain, "SYN cookies are ready (1) and not needed now"
		}
		return care, "SYN cookies are IN USE: " + cookieRates(k)
	case 2:
		return care, "SYN cookies are sent ALWAYS (2), which is meant for tests; set net.ipv4.tcp_syncookies=1; " + cookieRates(k)
	default:
		return care, "it is unknown whether SYN cookies are on"
	}
}

// cookieRates adds a judgement where the rates allow one: who forges addresses never answers.
func cookieRates(k *Kernel) string {
	text := fmt.Sprintf("%s sent, %s came back valid, %s failed", PerSecond(k.CookiesSentPerS),
		PerSecond(k.CookiesValidPerS), PerSecond(k.CookiesFailedPerS))
	if k.CookiesSentPerS >= 100 && k.CookiesValidPerS*10 < k.CookiesSentPerS {
		text += "; hardly any come back: most SYNs have forged addresses, and the cookies carry the load"
	}
	return text
}

func tableWords(t *Table) (style, string) {
	if !t.Present {
		return plain, "none: no rule of ours is in the packet path"
	}
	st, text := plain, "inet ebbgate is in place, owned by the daemon's socket"
	if !t.Owned {
		st, text = care, "inet ebbgate is in place, NOT owned: others can change it"
	}
	switch t.Conntrack {
	case ConntrackOurs:
		text += ", conntrack is on for the watched sources only"
	case ConntrackOthers:
		text += conntrackOfOthers(t)
	default:
		text += ", no conntrack"
	}
	return st, text
}

// conntrackOfOthers says what is known of those who use conntrack beside us.
func conntrackOfOthers(t *Table) string {
	if t.Assumed {
		return ", conntrack is taken to be used by others: legacy iptables may not be looked at"
	}
	return ", conntrack is on because another table uses it"
}

// nearlyFull is the share of a set, in percent, beyond which it is worth a line.
const nearlyFull = 80

// shortcomings says which sets are nearly full, and what the kernel lacks.
func (p *page) shortcomings(t *Table) {
	for i := range t.Sets {
		s := &t.Sets[i]
		if s.Elements == nil || s.Size <= 0 || *s.Elements*100 <= nearlyFull*s.Size {
			continue
		}
		st, text := care, fmt.Sprintf("set      %s holds %s of %s; beyond that %s", Escape(s.Name), Number(*s.Elements), Number(s.Size), Escape(s.Then))
		if *s.Elements >= s.Size {
			st, text = alarm, fmt.Sprintf("set      %s is FULL with %s: %s", Escape(s.Name), Number(*s.Elements), Escape(s.Then))
		}
		p.put(st, 9, text)
	}
	if len(t.Fallbacks) > 0 {
		p.put(care, 9, "lacking  "+joined(t.Fallbacks))
	}
}

func joined(list []string) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = Escape(s)
	}
	return strings.Join(texts, "; ")
}

func censusWords(c *Census) string {
	if c.Taken.IsZero() {
		return "none taken yet"
	}
	text := fmt.Sprintf("%s ago: %s in %s of CPU", Length(c.Age.std()), Counted(c.Sockets, "socket", "sockets"), fine(c.CPU))
	if !c.Complete {
		text += ", INCOMPLETE: counts are lower bounds"
	}
	return text
}
