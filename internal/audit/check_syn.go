package audit

import (
	"fmt"
	"strconv"
	"time"
)

// enoughBacklog is the kernel's own default of somaxconn since Linux 5.4.
const enoughBacklog = 4096

func checkCookies(x *exam) {
	v, ok := x.sysctl(tcpSyncookies)
	if !ok {
		return
	}
	f := Finding{ID: idCookies, Subject: tcpSyncookies, Found: strconv.FormatUint(v, 10)}
	on := Assignment{tcpSyncookies, "1"}
	switch v {
	case 0:
		f.Severity = Critical
		f.Why = "Without SYN cookies a hundred forged SYNs a second keep a listener's queue of half-open connections full, and nobody else gets in."
		x.advise(f, on)
		checkSynBacklog(x)
	case 1:
		x.ok(idCookies, f.Subject, f.Found, "Cookies are sent while a listener's queue of half-open connections is full, and only then.")
		x.ok(idSynBacklog, tcpSynBacklog, "not in use", "With SYN cookies on, a listener's own backlog is the limit, not this.")
	case 2:
		f.Severity = Advice
		f.Why = "2 sends cookies for every SYN, which is for tests: clients without TCP timestamps lose window scaling and SACK even in peace."
		x.advise(f, on)
	default:
		f.Severity, f.Why = Unknown, "This is none of the values 0, 1 and 2 that are known."
		x.add(f)
	}
}

// checkSynBacklog is called with SYN cookies off: the kernel looks at this setting only then
// (tcp_conn_request in net/ipv4/tcp_input.c).
func checkSynBacklog(x *exam) {
	v, ok := x.sysctl(tcpSynBacklog)
	if !ok {
		return
	}
	found := strconv.FormatUint(v, 10)
	if v >= enoughBacklog {
		x.ok(idSynBacklog, tcpSynBacklog, found, "It bounds the half-open connections of a listener, since SYN cookies are off.")
		return
	}
	x.add(Finding{ID: idSynBacklog, Severity: Advice, Subject: tcpSynBacklog, Found: found, Advised: "SYN cookies instead",
		Why:   fmt.Sprintf("With SYN cookies off a listener drops SYNs of strangers from %d half-open connections on. A higher value only takes an attacker a moment longer.", v-v/4),
		Where: tcpSyncookies + " = 1", Verify: "sysctl " + tcpSyncookies, Expect: tcpSyncookies + " = 1"})
}

func checkSynFlood(x *exam) {
	if sent := x.Recent["SyncookiesSent"]; sent > 0 {
		x.add(Finding{ID: idSynFlood, Severity: Warning, Subject: "SYN cookies", Found: perSecond(sent, x.Window) + " sent now, " + perSecond(x.Recent["SyncookiesRecv"], x.Window) + " came back valid",
			Why:    "A queue of half-open connections is full. Hardly any valid ones mean forged sources; many mean that clients come faster than the backlog allows.",
			Where:  "no setting: see who it is",
			Verify: "ebbgate census", Expect: "HALF-OPEN of each service, and its sources"})
		return
	}
	if dropped := x.Recent["TCPReqQFullDrop"]; dropped > 0 {
		x.add(Finding{ID: idSynFlood, Severity: Critical, Subject: "half-open connections", Found: perSecond(dropped, x.Window) + " SYNs dropped now",
			Why: "A queue of half-open connections is full and SYN cookies are off: new clients are turned away.", Where: "net.ipv4.tcp_syncookies = 1",
			Verify: "nstat -az TcpExtTCPReqQFullDrop", Expect: "a number that stands still"})
		return
	}
	sent, ok := x.Counters["SyncookiesSent"]
	if ok {
		x.ok(idSynFlood, "SYN cookies", fmt.Sprintf("%d sent so far, %d SYNs dropped", sent, x.Counters["TCPReqQFullDrop"]), "They are sent while a queue of half-open connections is full.")
	}
}

// synackTime is how long the kernel keeps a half-open connection: 1 s, doubled with each of n
// retransmissions, up to 120 s (TCP_RTO_MAX of net/tcp.h).
func synackTime(n uint64) time.Duration {
	const most = 120
	total, wait := 0, 1
	for range min(n, 255) + 1 {
		total += wait
		wait = min(2*wait, most)
	}
	return time.Duration(total) * time.Second
}

func checkSynackRetries(x *exam) {
	v, ok := x.sysctl(tcpSynack)
	if !ok {
		return
	}
	kept := int(synackTime(v).Seconds())
	f := Finding{ID: idSynackRetries, Subject: tcpSynack, Found: strconv.FormatUint(v, 10)}
	switch {
	case v < 2:
		f.Severity = Advice
		f.Why = fmt.Sprintf("A half-open connection is given up after %d s: clients on a lossy line do not get in. SYN cookies make this saving needless.", kept)
		x.advise(f, Assignment{tcpSynack, "3"})
	case v > 5:
		f.Severity = Advice
		f.Why = fmt.Sprintf("A half-open connection that nobody completes is kept for %d s, and as many SYN-ACKs go to whoever was forged; 5 keeps it for 63 s.", kept)
		x.advise(f, Assignment{tcpSynack, "5"})
	default:
		x.ok(idSynackRetries, f.Subject, f.Found, fmt.Sprintf("A half-open connection is kept for %d s.", kept))
	}
}

// perSecond writes a count of a window as a rate.
func perSecond(n uint64, window time.Duration) string {
	if window <= 0 {
		return strconv.FormatUint(n, 10)
	}
	return fmt.Sprintf("%.0f/s", float64(n)/window.Seconds())
}
