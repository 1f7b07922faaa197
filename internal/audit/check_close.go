package audit

import (
	"fmt"
	"strconv"
)

// enoughBuckets is how many connections in TIME_WAIT are advised to be kept, about 64 MB of them.
const enoughBuckets = 262144

func checkTimeWait(x *exam) {
	most, ok := x.sysctl(tcpTwBuckets)
	if !ok {
		return
	}
	have, counted := x.Sockets["tw"]
	f := Finding{ID: idTimeWait, Severity: Warning, Subject: tcpTwBuckets, Found: fmt.Sprintf("%d of %d in TIME_WAIT", have, most)}
	switch {
	case x.Recent["TCPTimeWaitOverflow"] > 0:
		f.Found += ", overflowing now"
		f.Why = "Connections end without TIME_WAIT: late packets of an old connection can then end up in a new one."
	case counted && have*10 >= most*8:
		f.Why = "Above the limit connections end without TIME_WAIT, and the log fills. One costs about 250 bytes and nothing else: raise the limit."
	case most < 16384:
		f.Severity = Advice
		f.Why = "The limit is there against memory exhaustion, not to save memory. Lowered, connections end without TIME_WAIT."
	default:
		x.ok(idTimeWait, f.Subject, f.Found, "They cost about 250 bytes each and end after 60 s, which no setting changes.")
		return
	}
	x.advise(f, Assignment{tcpTwBuckets, strconv.FormatUint(max(enoughBuckets, 2*min(most, 1<<30)), 10)})
}

func checkFinTimeout(x *exam) {
	v, ok := x.sysctl(tcpFinTimeout)
	if !ok {
		return
	}
	found := strconv.FormatUint(v, 10)
	if v <= 60 {
		x.ok(idFinTimeout, tcpFinTimeout, found, "Seconds a closed connection waits in FIN_WAIT_2. TIME_WAIT is another state and always lasts 60 s.")
		return
	}
	x.advise(Finding{ID: idFinTimeout, Severity: Advice, Subject: tcpFinTimeout, Found: found,
		Why: fmt.Sprintf("A client that never closes its side keeps a connection the program has closed for %d s.", v)}, Assignment{tcpFinTimeout, "60"})
}

func checkTimestamps(x *exam) {
	v, ok := x.sysctl(tcpTimestamps)
	if !ok {
		return
	}
	found := strconv.FormatUint(v, 10)
	if v != 0 {
		x.ok(idTimestamps, tcpTimestamps, found, "SYN cookies keep window scaling and SACK in them.")
		return
	}
	x.advise(Finding{ID: idTimestamps, Severity: Advice, Subject: tcpTimestamps, Found: found,
		Why: "Connections opened by a SYN cookie lose window scaling and SACK, so they are slow after a flood; and tcp_tw_reuse does nothing."},
		Assignment{tcpTimestamps, "1"})
}
