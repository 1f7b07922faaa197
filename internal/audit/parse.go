package audit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ebbgate/policy"
)

// counterColumns are the columns of /proc/net/netstat the checks use, all of table TcpExt
// (Documentation/networking/snmp_counter.rst).
func counterColumns() []string {
	return []string{
		"SyncookiesSent", "SyncookiesRecv", "ListenOverflows", "ListenDrops",
		"TCPReqQFullDrop", "TCPTimeWaitOverflow", "TCPMemoryPressures", "TCPAbortOnMemory",
	}
}

// parseNetstat reads the columns wanted from /proc/net/netstat: pairs of lines, names above values,
// each beginning with the name of its table. Columns this kernel does not have are left out. An
// error means that the file contradicts its own form.
func parseNetstat(text string, want []string) (map[string]uint64, error) {
	out := make(map[string]uint64, len(want))
	for len(text) > 0 {
		var names, values string
		names, text, _ = strings.Cut(text, "\n")
		values, text, _ = strings.Cut(text, "\n")
		table, names, _ := strings.Cut(names, ":")
		again, values, _ := strings.Cut(values, ":")
		if table == "" || table != again {
			return nil, fmt.Errorf("line of table %q is followed by one of %q", clip(table), clip(again))
		}
		if table != "TcpExt" {
			continue
		}
		if err := readColumns(strings.Fields(names), strings.Fields(values), want, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readColumns(names, values, want []string, out map[string]uint64) error {
	at := make(map[string]int, len(names))
	for i, name := range names[:min(len(names), len(values))] {
		at[name] = i
	}
	for _, name := range want {
		i, ok := at[name]
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(values[i], 10, 64)
		if err != nil {
			return fmt.Errorf("%s is %q, not a number", name, clip(values[i]))
		}
		out[name] = n
	}
	return nil
}

// parseSockstat reads the pairs of name and number of line TCP of /proc/net/sockstat.
func parseSockstat(text string) (map[string]uint64, error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "TCP:" {
			continue
		}
		out := make(map[string]uint64)
		for pair := fields[1:]; len(pair) >= 2; pair = pair[2:] {
			n, err := strconv.ParseUint(pair[1], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%s is %q, not a number", clip(pair[0]), clip(pair[1]))
			}
			out[pair[0]] = n
		}
		return out, nil
	}
	return nil, fmt.Errorf("it has no line TCP")
}

// parseSynProxy adds up the SYNs of /proc/net/stat/synproxy: a line of names, then a line of
// hexadecimal numbers for each processor (synproxy_cpu_seq_show in net/netfilter/nf_synproxy_core.c).
func parseSynProxy(text string) (uint64, error) {
	names, rows, _ := strings.Cut(text, "\n")
	at := slices.Index(strings.Fields(names), "syn_received")
	if at < 0 {
		return 0, fmt.Errorf("it has no column syn_received")
	}
	var sum uint64
	for row := range strings.Lines(rows) {
		fields := strings.Fields(row)
		if at >= len(fields) {
			return 0, fmt.Errorf("line %q has no value for syn_received", clip(row))
		}
		n, err := strconv.ParseUint(fields[at], 16, 32)
		if err != nil {
			return 0, fmt.Errorf("syn_received is %q, not a number", clip(fields[at]))
		}
		sum += n
	}
	return sum, nil
}

// parsePorts reads a list such as 8080,9000-9010, the form of ip_local_reserved_ports.
func parsePorts(text string) ([]policy.PortRange, error) {
	var out []policy.PortRange
	for item := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		if item == "" {
			continue
		}
		first, last, isRange := strings.Cut(item, "-")
		if !isRange {
			last = first
		}
		a, err1 := strconv.ParseUint(first, 10, 16)
		b, err2 := strconv.ParseUint(last, 10, 16)
		if err1 != nil || err2 != nil || a > b {
			return nil, fmt.Errorf("%q is neither a port nor a range of ports", clip(item))
		}
		out = append(out, policy.PortRange{First: uint16(a), Last: uint16(b)})
	}
	return out, nil
}

// formatPorts is the reverse of parsePorts.
func formatPorts(ranges []policy.PortRange) string {
	items := make([]string, len(ranges))
	for i, r := range ranges {
		items[i] = strconv.Itoa(int(r.First))
		if r.Last != r.First {
			items[i] += "-" + strconv.Itoa(int(r.Last))
		}
	}
	return strings.Join(items, ",")
}
