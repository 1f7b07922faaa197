package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"ebbgate/control"
	"ebbgate/policy"
)

// localPortRange returns the ports from which the host's own connections start
// (net.ipv4.ip_local_port_range), or the zero range where it cannot be read.
func localPortRange() policy.PortRange {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return policy.PortRange{}
	}
	fields := strings.Fields(string(b))
	if len(fields) != 2 {
		return policy.PortRange{}
	}
	first, err1 := strconv.ParseUint(fields[0], 10, 16)
	last, err2 := strconv.ParseUint(fields[1], 10, 16)
	if err1 != nil || err2 != nil {
		return policy.PortRange{}
	}
	return policy.PortRange{First: uint16(first), Last: uint16(last)}
}

// reservedPorts returns the ports that connections of the host's own never start from
// (net.ipv4.ip_local_reserved_ports), or none where it cannot be read.
func reservedPorts() []policy.PortRange {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_reserved_ports")
	if err != nil {
		return nil
	}
	return parseReserved(string(b))
}

// parseReserved reads a list such as "8080,9000-9010". What it cannot read is not reserved.
func parseReserved(text string) []policy.PortRange {
	var reserved []policy.PortRange
	for item := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		from, to, ranged := strings.Cut(item, "-")
		if !ranged {
			to = from
		}
		first, err1 := strconv.ParseUint(from, 10, 16)
		last, err2 := strconv.ParseUint(to, 10, 16)
		if err1 == nil && err2 == nil && first <= last {
			reserved = append(reserved, policy.PortRange{First: uint16(first), Last: uint16(last)})
		}
	}
	return reserved
}

// portWarnings names services whose ports the host may use for connections of its own.
func portWarnings(p *policy.Policy, local policy.PortRange, reserved []policy.PortRange) []string {
	if local.First == 0 {
		return nil
	}
	var out []string
	for _, s := range p.Services {
		for _, r := range s.Ports {
			if exposed(r, local, reserved) {
				out = append(out, fmt.Sprintf("service %q: ports %s lie in the range from which this host opens its own connections "+
					"(net.ipv4.ip_local_port_range %d-%d); reserve them with net.ipv4.ip_local_reserved_ports",
					s.Name, control.PortsText([]policy.PortRange{r}), local.First, local.Last))
				break
			}
		}
	}
	return out
}

// exposed reports whether a port of r lies in local and in none of the reserved ranges.
func exposed(r, local policy.PortRange, reserved []policy.PortRange) bool {
	for port := int(max(r.First, local.First)); port <= int(min(r.Last, local.Last)); port++ {
		if !slices.ContainsFunc(reserved, func(kept policy.PortRange) bool { return kept.Contains(uint16(port)) }) {
			return true
		}
	}
	return false
}
