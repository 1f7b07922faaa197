package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"ebbgate/policy"
)

// Local ports for outgoing connections: what is advised, and below how many it is.
const (
	advisedFirst = 10240
	advisedLast  = mostBacklog
	fewPorts     = 16384
)

// ports returns how many local ports outgoing connections to one destination can use.
func (x *exam) ports() (int, bool) {
	r := x.Sysctls[localPortRange]
	if len(r) != 2 || r[0] > r[1] || r[1] > mostBacklog {
		return 0, false
	}
	return free(int(r[0]), int(r[1]), x.Reserved), true
}

// free counts the ports from first to last that are not reserved; 1 where there are none, since
// shares are taken of it.
func free(first, last int, reserved []policy.PortRange) int {
	n := last - first + 1
	for _, p := range reserved {
		n -= max(0, min(int(p.Last), last)-max(int(p.First), first)+1)
	}
	return max(n, 1)
}

// widen is what gives outgoing connections more ports and keeps those of listeners, loopback
// included, out of it; nil if no range the kernel accepts gives more. It refuses one that begins
// below ip_unprivileged_port_start (ipv4_local_port_range in net/ipv4/sysctl_net_ipv4.c), and first
// and last are to be of different parity (ip-sysctl.rst).
func (x *exam) widen() []Assignment {
	have, ok := x.ports()
	lowest, _ := x.sysctl(unprivPorts)
	first := int(max(advisedFirst, min(lowest, advisedLast)))
	first += first % 2
	if !ok || first >= advisedLast {
		return nil
	}
	more := x.inside(uint16(first), advisedLast, true)
	reserved := joined(append(slices.Clone(x.Reserved), more...))
	if free(first, advisedLast, reserved) <= have {
		return nil
	}
	set := []Assignment{{localPortRange, fmt.Sprintf("%d %d", first, advisedLast)}}
	if len(more) > 0 {
		set = append(set, Assignment{reservedPorts, formatPorts(reserved)})
	}
	return set
}

func checkDestinations(x *exam) {
	ports, ok := x.ports()
	if !ok {
		return
	}
	trouble := false
	for i := range x.Destinations {
		d := &x.Destinations[i]
		if d.Used()*2 < ports {
			break
		}
		trouble = true
		f := Finding{ID: idLocalPorts, Severity: Warning, Subject: fmt.Sprintf("%s to %s", d.From, d.To),
			Found: fmt.Sprintf("%d of %d local ports taken, %d of them in TIME_WAIT", d.Used(), ports, d.TimeWait)}
		if d.Used()*10 >= ports*9 {
			f.Severity = Critical
		}
		f.Why = "When all are taken, connect(2) fails with EADDRNOTAVAIL. Best is to keep connections open and use them again; or spread them over more addresses."
		x.adviseMorePorts(f, ports, d)
	}
	if !trouble {
		most := 0
		if len(x.Destinations) > 0 {
			most = x.Destinations[0].Used()
		}
		x.ok(idLocalPorts, localPortRange, fmt.Sprintf("at most %d of %d ports taken for one destination", most, ports), "A local port can be used once for each destination.")
	}
}

// adviseMorePorts reports a destination, with the settings that help beside the program's own.
func (x *exam) adviseMorePorts(f Finding, ports int, d *Destination) {
	if set := x.widen(); ports < 50000 && len(set) > 0 {
		x.advise(f, set...)
		last := &x.found[len(x.found)-1]
		last.Advised = localPortRange + " = " + last.Advised
	} else {
		x.adviseFewer(f, fmt.Sprintf("ss -tan 'dst %s' | wc -l", d.To))
	}
	reuse, known := x.sysctl(tcpTwReuse)
	if !known || reuse == 1 || d.TimeWait*2 < d.Used() || reuse == 2 && d.To.Addr().IsLoopback() {
		return
	}
	if on, ok := x.sysctl(tcpTimestamps); ok && on == 0 {
		return
	}
	x.advise(Finding{ID: idTwReuse, Severity: Warning, Subject: tcpTwReuse, Found: strconv.FormatUint(reuse, 10),
		Why: fmt.Sprintf("Outgoing connections to %s leave their ports in TIME_WAIT for a minute. 1 lets new outgoing ones take them over after a second; it does nothing for connections that come in.", d.To)},
		Assignment{tcpTwReuse, "1"})
}

// adviseFewer reports where no setting gives more ports.
func (x *exam) adviseFewer(f Finding, verify string) {
	f.Advised = "fewer new connections"
	f.Where = "the program that connects: a pool, or keepalive towards its upstream"
	f.Verify, f.Expect = verify, "far below the number of ports"
	x.add(f)
}

// checkPortRange looks at the range by itself, and at tcp_tw_reuse where nothing presses.
func checkPortRange(x *exam) {
	if ports, ok := x.ports(); ok && ports < fewPorts {
		f := Finding{ID: idLocalPorts, Severity: Advice, Subject: localPortRange,
			Found: fmt.Sprintf("%d %d", x.Sysctls[localPortRange][0], x.Sysctls[localPortRange][1]),
			Why:   fmt.Sprintf("Only %d outgoing connections to one destination are possible at a time, those in TIME_WAIT included.", ports)}
		if set := x.widen(); len(set) > 0 {
			x.advise(f, set...)
		} else {
			if lowest, _ := x.sysctl(unprivPorts); lowest > advisedFirst {
				f.Why += " The kernel accepts no wider range: it may not begin below " + unprivPorts + "."
			}
			x.adviseFewer(f, "ss -tan | wc -l")
		}
	}
	reuse, ok := x.sysctl(tcpTwReuse)
	if !ok || slices.ContainsFunc(x.found, func(f Finding) bool { return f.ID == idTwReuse }) {
		return
	}
	x.ok(idTwReuse, tcpTwReuse, strconv.FormatUint(reuse, 10), "It concerns outgoing connections only (2: those to this host itself); a server's TIME_WAIT does not need it.")
}

// checkReserved looks for listeners inside the range.
func checkReserved(x *exam) {
	r := x.Sysctls[localPortRange]
	if len(r) != 2 || r[1] > mostBacklog {
		return
	}
	inside := x.inside(uint16(r[0]), uint16(r[1]), false)
	if len(inside) == 0 {
		x.ok(idReserved, reservedPorts, "no listener is in the way", "No port that is listened on can be taken by an outgoing connection.")
		return
	}
	what := "ports"
	if inside[0].First == inside[len(inside)-1].Last {
		what = "port"
	}
	x.advise(Finding{ID: idReserved, Severity: Advice, Subject: reservedPorts,
		Found: fmt.Sprintf("%s %s open to outgoing connections", what, short(formatPorts(inside))),
		Why: fmt.Sprintf("The host may take such a port for a connection of its own (%s %d-%d) while the program restarts, which then cannot listen.",
			localPortRange, r[0], r[1])},
		Assignment{reservedPorts, formatPorts(joined(append(slices.Clone(x.Reserved), inside...)))})
}

// inside returns the ports in a range on which something listens and that are not reserved. Of
// listeners that serve no policy and that other hosts cannot reach only with loopback.
func (x *exam) inside(first, last uint16, loopback bool) []policy.PortRange {
	within := policy.PortRange{First: first, Last: last}
	var out []policy.PortRange
	for i := range x.Listeners {
		l := &x.Listeners[i]
		port := l.Local.Port()
		taken := slices.ContainsFunc(x.Reserved, func(r policy.PortRange) bool { return r.Contains(port) })
		if within.Contains(port) && !taken && (loopback || x.exposed(l)) {
			out = append(out, policy.PortRange{First: port, Last: port})
		}
	}
	return joined(out)
}

// joined sorts ranges and makes one of those that touch or overlap.
func joined(ranges []policy.PortRange) []policy.PortRange {
	slices.SortFunc(ranges, func(a, b policy.PortRange) int { return cmp.Compare(a.First, b.First) })
	var out []policy.PortRange
	for _, r := range ranges {
		if n := len(out); n > 0 && int(r.First) <= int(out[n-1].Last)+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return out
}
