package audit

import (
	"fmt"
)

func checkQueues(x *exam) {
	worst := 0
	for i := range x.Listeners {
		l := &x.Listeners[i]
		if l.Queue == 0 || uint64(l.Queue)*2 < uint64(l.Backlog) {
			continue
		}
		worst++
		f := Finding{ID: idQueue, Severity: Warning, Subject: l.label(), Found: fmt.Sprintf("%d waiting, backlog %d", l.Queue, l.Backlog),
			Advised: "accept faster",
			Why:     "The program accepts connections more slowly than they come. A longer queue only makes clients wait longer; see what keeps the program.",
			Where:   "the program: its workers, threads or connection limit",
			Verify:  l.ssListener(), Expect: "Recv-Q near 0"}
		if l.Queue >= l.Backlog {
			f.Severity = Critical
			f.Why = "The accept queue is full: clients that complete the handshake are left hanging. See what keeps the program from accepting."
		}
		x.add(f)
	}
	if worst == 0 && len(x.Listeners) > 0 {
		x.ok(idQueue, fmt.Sprintf("%d %s", len(x.Listeners), plural(len(x.Listeners), "listener", "listeners")), "no queue half full", "Connections are accepted as they come.")
	}
}

func checkOverflows(x *exam) {
	total, ok := x.Counters["ListenOverflows"]
	if !ok {
		return
	}
	f := Finding{ID: idOverflow, Subject: "accept queues", Verify: "nstat -az TcpExtListenOverflows", Where: "the backlog or the speed of the listener that is full: see listener-backlog and accept-queue"}
	switch now := x.Recent["ListenOverflows"]; {
	case now > 0:
		f.Severity = Critical
		f.Found = fmt.Sprintf("overflowing now, %s; %d so far", perSecond(now, x.Window), total+now)
		f.Advised, f.Expect = "0/s", "a number that stands still"
		f.Why = "Clients that completed the handshake are being dropped because a program does not accept fast enough." + x.fullest()
	case total > 0:
		f.Severity = Advice
		f.Found = fmt.Sprintf("%d overflows so far", total)
		if x.Window > 0 {
			f.Found += ", none now"
		}
		f.Advised, f.Expect = "0", "a number that stands still"
		f.Why = "At some time clients were dropped because a program did not accept fast enough; the kernel does not record whose queue it was."
	default:
		x.ok(idOverflow, f.Subject, "no overflow so far", fmt.Sprintf("%d SYNs and ACKs were dropped by listeners for any reason.", x.Counters["ListenDrops"]))
		return
	}
	x.add(f)
}

// fullest names the listener that is most likely meant.
func (x *exam) fullest() string {
	var worst *Listener
	for i := range x.Listeners {
		l := &x.Listeners[i]
		if l.Queue > 0 && l.Queue >= l.Backlog && (worst == nil || l.Queue > worst.Queue) {
			worst = l
		}
	}
	if worst == nil {
		return ""
	}
	return fmt.Sprintf(" It is %s.", worst.label())
}

func checkAbort(x *exam) {
	v, ok := x.sysctl(tcpAbort)
	if !ok {
		return
	}
	if v == 0 {
		x.ok(idAbort, tcpAbort, "0", "A client that meets a full accept queue tries again by itself.")
		return
	}
	x.advise(Finding{ID: idAbort, Severity: Warning, Subject: tcpAbort, Found: fmt.Sprint(v),
		Why: "A short burst that fills an accept queue resets clients, which would have got in a second later by themselves."},
		Assignment{tcpAbort, "0"})
}
