package audit

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Bounds of a sensible time until a dead peer is noticed, and what is advised instead: 600 s and
// then 5 probes 30 s apart.
const (
	longKeepalive  = 30 * time.Minute
	shortKeepalive = time.Minute
)

func checkKeepaliveTime(x *exam) {
	idle, ok1 := x.sysctl(tcpKeepTime)
	interval, ok2 := x.sysctl(tcpKeepIntvl)
	probes, ok3 := x.sysctl(tcpKeepProbes)
	if !ok1 || !ok2 || !ok3 {
		return
	}
	const most = 1 << 30 // keeps nonsense from overflowing
	total := time.Duration(min(idle, most)+min(interval, most)*min(probes, 256)) * time.Second
	f := Finding{ID: idKeepaliveTime, Severity: Advice, Subject: tcpKeepTime,
		Found: fmt.Sprintf("%d s, then %d probes %d s apart: %s", idle, probes, interval, minutes(total))}
	set := []Assignment{{tcpKeepTime, "600"}, {tcpKeepIntvl, "30"}, {tcpKeepProbes, "5"}}
	switch {
	case total > longKeepalive:
		f.Why = fmt.Sprintf("A peer that vanished holds its slot for %s. Advised are 12.5 minutes. Only sockets that ask for keepalive and bring no times of their own follow.", minutes(total))
	case total < shortKeepalive:
		f.Why = fmt.Sprintf("After %s of a broken line idle connections are cut that would have survived. Advised are 12.5 minutes.", minutes(total))
	default:
		x.ok(idKeepaliveTime, f.Subject, f.Found, "That is how long a peer that vanished holds its slot, where keepalive is on.")
		return
	}
	x.advise(f, set...)
}

// minutes writes d to a hundredth of a minute.
func minutes(d time.Duration) string {
	return strconv.FormatFloat(math.Round(d.Minutes()*100)/100, 'f', -1, 64) + " min"
}

// fewConnections are too few to judge a program by.
const fewConnections = 5

func checkKeepaliveSockets(x *exam) {
	for i := range x.Listeners {
		l := &x.Listeners[i]
		all := l.KeepaliveOn + l.KeepaliveOff
		if all < fewConnections || !x.exposed(l) {
			continue
		}
		found := fmt.Sprintf("keepalive on for %d of %d connections", l.KeepaliveOn, all)
		if l.KeepaliveOn >= l.KeepaliveOff {
			x.ok(idKeepalive, l.label(), found, "Peers that vanish are noticed.")
			continue
		}
		where := programOf(l.program()).keepalive
		if where == "" {
			where = "the program, if it has a setting for it: SO_KEEPALIVE of socket(7)"
		}
		x.add(Finding{ID: idKeepalive, Severity: Advice, Subject: l.label(), Found: found, Advised: "on",
			Why:   "A peer that vanished holds its slot until the program's own time-out, if it has one. No sysctl turns keepalive on: the program has to ask.",
			Where: where, Verify: fmt.Sprintf("ss -tno state established 'sport = :%d'", l.Local.Port()), Expect: "timer:(keepalive,...) at idle connections"})
	}
}
