package audit

import (
	"fmt"
	"slices"
	"strconv"

	"ebbgate/policy"
)

// Local ports for outgoing connections: what is advised, and below how many it is.
const (
	advisedRange = "10240 65535" // first and last of different parity, as ip-sysctl.rst asks
	advisedFirst = 10240
	fewPorts     = 16384
)

// ports returns how many local ports outgoing connections to one destination can use.
func (x *exam) ports() (int, bool) {
	r := x.Sysctls[localPortRange]
	if len(r) != 2 || r[0] > r[1] || r[1] > mostBacklog {
		return 0, false
	}
	free := int(r[1]-r[0]) + 1
	for _, p := range x.Reserved {
		free -= max(0, min(int(p.Last), int(r[1]))-max(int(p.First), int(r[0]))+1)
	}
	return max(free, 1), true
}

// widen is what gives outgoing connections more ports and keeps those of listeners out of it.
func (x *exam) widen() []Assignment {
	set := []Assignment{{localPortRange, advisedRange}}
	if reserved, changed := x.reserve(advisedFirst, mostBacklog); changed {
		set = append(set, Assignment{reservedPorts, reserved})
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
	if ports < 50000 && len(x.Sysctls[localPortRange]) == 2 && x.Sysctls[localPortRange][0] > advisedFirst {
		x.advise(f, x.widen()...)
		last := &x.found[len(x.found)-1]
		last.Advised = localPortRange + " = " + last.Advised
	} else {
		f.Advised = "fewer new connections"
		f.Where = "the program that connects: a pool, or keepalive towards its upstream"
		f.Verify, f.Expect = fmt.Sprintf("ss -tan 'dst %s' | wc -l", d.To), "far below the number of ports"
		x.add(f)
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

// checkPortRange looks at the range by itself, and at tcp_tw_reuse where nothing presses.
func checkPortRange(x *exam) {
	if ports, ok := x.ports(); ok && ports < fewPorts {
		x.advise(Finding{ID: idLocalPorts, Severity: Advice, Subject: localPortRange,
			Found: fmt.Sprintf("%d %d", x.Sysctls[localPortRange][0], x.Sysctls[localPortRange][1]),
			Why:   fmt.Sprintf("Only %d outgoing connections to one destination are possible at a time, those in TIME_WAIT included.", ports)},
			x.widen()...)
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
	reserved, changed := x.reserve(uint16(r[0]), uint16(r[1]))
	if !changed {
		x.ok(idReserved, reservedPorts, "no listener is in the way", "No port that is listened on can be taken by an outgoing connection.")
		return
	}
	inside := x.inside(uint16(r[0]), uint16(r[1]))
	x.advise(Finding{ID: idReserved, Severity: Advice, Subject: reservedPorts,
		Found: fmt.Sprintf("%s %s open to outgoing connections", plural(len(inside), "port", "ports"), formatPorts(inside)),
		Why: fmt.Sprintf("The host may take such a port for a connection of its own (%s %d-%d) while the program restarts, which then cannot listen.",
			localPortRange, r[0], r[1])},
		Assignment{reservedPorts, reserved})
}

// inside returns the ports in a range on which something listens for other hosts, or that belong
// to a service, and that are not reserved. Listeners beyond the first 64 are left.
func (x *exam) inside(first, last uint16) []policy.PortRange {
	const most = 64
	var out []policy.PortRange
	within := policy.PortRange{First: first, Last: last}
	for i := range x.Listeners {
		l := &x.Listeners[i]
		port := l.Local.Port()
		here := policy.PortRange{First: port, Last: port}
		taken := slices.ContainsFunc(x.Reserved, func(r policy.PortRange) bool { return r.Contains(port) })
		if within.Contains(port) && !taken && x.exposed(l) && !slices.Contains(out, here) && len(out) < most {
			out = append(out, here)
		}
	}
	slices.SortFunc(out, func(a, b policy.PortRange) int { return int(a.First) - int(b.First) })
	return out
}

// reserve returns the reserved ports with those inside a range added, and whether any are.
func (x *exam) reserve(first, last uint16) (string, bool) {
	more := x.inside(first, last)
	all := append(slices.Clone(x.Reserved), more...)
	slices.SortFunc(all, func(a, b policy.PortRange) int { return int(a.First) - int(b.First) })
	return formatPorts(all), len(more) > 0
}
