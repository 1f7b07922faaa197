package audit

import (
	"fmt"
	"strconv"
	"strings"
)

// Settings the checks look at, by the names sysctl(8) knows.
const (
	somaxconn       = "net.core.somaxconn"
	tcpSyncookies   = "net.ipv4.tcp_syncookies"
	tcpSynBacklog   = "net.ipv4.tcp_max_syn_backlog"
	tcpSynack       = "net.ipv4.tcp_synack_retries"
	tcpAbort        = "net.ipv4.tcp_abort_on_overflow"
	tcpKeepTime     = "net.ipv4.tcp_keepalive_time"
	tcpKeepIntvl    = "net.ipv4.tcp_keepalive_intvl"
	tcpKeepProbes   = "net.ipv4.tcp_keepalive_probes"
	tcpTwBuckets    = "net.ipv4.tcp_max_tw_buckets"
	tcpTwReuse      = "net.ipv4.tcp_tw_reuse"
	tcpTwRecycle    = "net.ipv4.tcp_tw_recycle" // gone since Linux 4.12: never read, only looked for in files
	tcpTimestamps   = "net.ipv4.tcp_timestamps"
	tcpFinTimeout   = "net.ipv4.tcp_fin_timeout"
	localPortRange  = "net.ipv4.ip_local_port_range"
	unprivPorts     = "net.ipv4.ip_unprivileged_port_start"
	reservedPorts   = "net.ipv4.ip_local_reserved_ports"
	tcpMem          = "net.ipv4.tcp_mem"
	tcpMaxOrphans   = "net.ipv4.tcp_max_orphans"
	fileMax         = "fs.file-max"
	fileNr          = "fs.file-nr"
	nrOpen          = "fs.nr_open"
	conntrackCount  = "net.netfilter.nf_conntrack_count"
	conntrackMax    = "net.netfilter.nf_conntrack_max"
	conntrackBucket = "net.netfilter.nf_conntrack_buckets"
	conntrackSyn    = "net.netfilter.nf_conntrack_tcp_timeout_syn_recv"
	conntrackLoose  = "net.netfilter.nf_conntrack_tcp_loose"
)

// sysctlSpec says how many numbers a setting has, and what it means that it is not there.
type sysctlSpec struct {
	name    string
	numbers int
	absent  string // "": it comes and goes with a module, and its absence is no finding
}

// everyKernel is said of settings that all supported kernels have.
const everyKernel = "this kernel does not have it"

// initialOnly is said of settings of the whole host (ipv4_table in net/ipv4/sysctl_net_ipv4.c).
const initialOnly = "it belongs to the whole host and shows in the initial network namespace only"

// sysctlSpecs lists the settings Gather reads as numbers.
func sysctlSpecs() []sysctlSpec {
	return []sysctlSpec{
		{somaxconn, 1, everyKernel},
		{tcpSyncookies, 1, "this kernel was built without SYN cookies (CONFIG_SYN_COOKIES)"},
		{tcpSynBacklog, 1, everyKernel},
		{tcpSynack, 1, everyKernel},
		{tcpAbort, 1, everyKernel},
		{tcpKeepTime, 1, everyKernel},
		{tcpKeepIntvl, 1, everyKernel},
		{tcpKeepProbes, 1, everyKernel},
		{tcpTwBuckets, 1, everyKernel},
		{tcpTwReuse, 1, everyKernel},
		{tcpTimestamps, 1, everyKernel},
		{tcpFinTimeout, 1, everyKernel},
		{localPortRange, 2, everyKernel},
		{unprivPorts, 1, everyKernel},
		{tcpMem, 3, initialOnly},
		{tcpMaxOrphans, 1, initialOnly},
		{fileMax, 1, everyKernel},
		{fileNr, 3, everyKernel},
		{nrOpen, 1, everyKernel},
		{conntrackCount, 1, ""},
		{conntrackMax, 1, ""},
		{conntrackBucket, 1, ""},
		{conntrackSyn, 1, ""},
		{conntrackLoose, 1, ""},
	}
}

// parseNumbers reads the numbers of a setting. More than are wanted is how newer kernels may
// answer: the rest is left.
func parseNumbers(text string, want int) ([]uint64, error) {
	fields := strings.Fields(text)
	if len(fields) < want {
		return nil, fmt.Errorf("%q: %d %s expected", clip(text), want, plural(want, "number", "numbers"))
	}
	out := make([]uint64, want)
	for i := range out {
		n, err := strconv.ParseUint(fields[i], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a number", clip(fields[i]))
		}
		out[i] = n
	}
	return out, nil
}

// clip keeps nonsense short in messages.
func clip(s string) string {
	s = strings.TrimSpace(s)
	return s[:min(len(s), 32)]
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
