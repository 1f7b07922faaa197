package audit

import (
	"fmt"
)

func checkMemory(x *exam) {
	limits := x.Sysctls[tcpMem]
	pages, ok := x.Sockets["mem"]
	if len(limits) != 3 || !ok {
		return
	}
	f := Finding{ID: idMemory, Subject: tcpMem,
		Found:   fmt.Sprintf("%s in use, pressure from %s, at most %s", x.mib(pages), x.mib(limits[1]), x.mib(limits[2])),
		Advised: "find what fills the buffers",
		Where:   "the program or peer behind the fullest queues; raise the setting only where memory is free for it",
		Verify:  "ss -tm and the line TCP of /proc/net/sockstat", Expect: "mem below the second number of net.ipv4.tcp_mem"}
	switch {
	case pages >= limits[2]:
		f.Severity = Critical
		f.Why = "TCP has all the memory it may have: connections are cut and packets dropped."
	case pages >= limits[1]:
		f.Severity = Warning
		f.Why = "TCP is under memory pressure and shrinks the windows of all connections. Peers that read slowly or not at all are the usual cause."
	case x.Recent["TCPAbortOnMemory"] > 0:
		f.Severity = Warning
		f.Why = "Connections are being cut for want of memory, or for too many orphans."
	default:
		x.ok(idMemory, f.Subject, f.Found, fmt.Sprintf("Pressure was entered %d times so far.", x.Counters["TCPMemoryPressures"]))
		return
	}
	x.add(f)
}

// mib writes pages of memory for people.
func (x *exam) mib(pages uint64) string {
	return fmt.Sprintf("%.0f MiB", float64(pages)*float64(x.PageSize)/(1<<20))
}

func checkOrphans(x *exam) {
	most, ok := x.sysctl(tcpMaxOrphans)
	have, counted := x.Sockets["orphan"]
	if !ok || !counted || most == 0 {
		return
	}
	f := Finding{ID: idOrphans, Severity: Warning, Subject: tcpMaxOrphans, Found: fmt.Sprintf("%d of %d", have, most),
		Advised: "find the peers that do not take their last data",
		Why:     "Connections the programs have closed wait for peers that do not acknowledge. From a quarter of the limit on the kernel may reset them early.",
		Where:   "tcp_orphan_retries, if the peers are gone; each orphan can hold 64 KiB, so raise the limit only with memory to spare",
		Verify:  "grep TCP: /proc/net/sockstat", Expect: "orphan far below the limit"}
	switch {
	case have >= most:
		f.Severity = Critical
		f.Why = "The limit is reached: further connections are reset when the program closes them, and clients lose the end of their answers."
	case have*4 >= most:
	default:
		x.ok(idOrphans, f.Subject, f.Found, "Connections the programs have closed and whose last data are on their way.")
		return
	}
	x.add(f)
}
