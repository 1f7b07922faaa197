package csf

import (
	"fmt"
	"slices"
	"strings"

	"ebbgate/policy"
)

// tracking is what the CT_ settings say.
type tracking struct {
	limit    int // connections of one source; 0: none
	subnet   int // of one /24; 0: none
	blockFor int // seconds; 0: the default
	ports    portSet
	named    bool // the ports are those of CT_PORTS

	limitNote, subnetNote, blockNote, portsNote string
}

// tcpIn returns the ports that csf lets in, and where it says so.
func (t *translator) tcpIn() (set portSet, from []*entry) {
	for _, key := range []string{"TCP_IN", "TCP6_IN"} {
		e := t.get(key)
		if e == nil || key == "TCP6_IN" && !t.on("IPV6") {
			continue
		}
		of, bad := ports(e.value)
		for i := range set {
			set[i] |= of[i]
		}
		if len(bad) > 0 {
			t.leave(e, "%s is no port", strings.Join(bad, ", "))
		}
		from = append(from, e)
	}
	return set, from
}

// connections reads CT_LIMIT and what goes with it.
func (t *translator) connections() {
	e := t.get("CT_LIMIT")
	if e == nil || !t.on("CT_LIMIT") {
		return
	}
	n, ok := number(e.value)
	switch {
	case !ok || n > policy.MaxPerSource:
		t.leave(e, "must be a number up to %d to be a per_source", policy.MaxPerSource)
		return
	case !t.countsHeld():
		t.leave(e, "counts only states in which nobody holds a connection (CT_STATES), and those others can forge; SYN cookies answer half-open connections: see \"ebbgate audit\"")
		return
	}
	t.ct.limit = max(n, policy.MinPerSource)
	t.ct.limitNote = t.taken(e, fmt.Sprintf("service.connections.per_source = %d", t.ct.limit), t.limitDiffers(n), true)
	t.trackedPorts()
	t.subnet()
	t.blockTime()
}

// countsHeld reports whether csf counts any state in which a source holds a slot of the application.
func (t *translator) countsHeld() bool {
	e := t.get("CT_STATES")
	if e == nil || strings.TrimSpace(e.value) == "" {
		return true
	}
	for state := range strings.SplitSeq(e.value, ",") {
		if slices.Contains([]string{"ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT1", "FIN_WAIT2"}, strings.TrimSpace(state)) {
			return true
		}
	}
	return false
}

// limitDiffers says in what a count of csf differs from ours.
func (t *translator) limitDiffers(n int) string {
	text := "csf adds up a source's sockets of all ports, half-open ones, UDP and those this host opened itself too; here each service counts alone, and only established connections to it"
	if !t.on("CT_SKIP_TIME_WAIT") && !t.on("CT_STATES") {
		text += ". It counts TIME_WAIT (CT_SKIP_TIME_WAIT), which never counts here, so a lower number will do"
	}
	if n < policy.MinPerSource {
		text += fmt.Sprintf(". %d is the least", policy.MinPerSource)
	}
	return text + `. An IPv6 source is a /64. See "ebbgate suggest" for what is normal.`
}

func (t *translator) trackedPorts() {
	if e := t.get("CT_PORTS"); e != nil && t.on("CT_PORTS") {
		set, bad := ports(e.value)
		if len(bad) > 0 {
			t.leave(e, "%s is no port", strings.Join(bad, ", "))
		}
		t.ct.ports, t.ct.named = set, true
		t.ct.portsNote = t.taken(e, "service.ports", "", false)
		return
	}
	set, from := t.tcpIn()
	t.ct.ports = set
	for _, e := range from {
		t.ct.portsNote += t.taken(e, "service.ports", "All that csf lets in, as CT_PORTS is empty. Leave out what nobody listens on.", false) + " "
	}
}

func (t *translator) subnet() {
	e := t.get("CT_SUBNET_LIMIT")
	if e == nil || !t.on("CT_SUBNET_LIMIT") {
		return
	}
	n, ok := number(e.value)
	if !ok || n > policy.MaxPerPrefix {
		t.leave(e, "must be a number up to %d to be a limit of per_prefix", policy.MaxPerPrefix)
		return
	}
	t.ct.subnet = max(n, t.ct.limit)
	note := "IPv4 only, as in csf; add { ipv6 = 48, limit = ... } for IPv6"
	if t.ct.subnet > n {
		note += "; raised to per_source, the least"
	}
	t.ct.subnetNote = t.taken(e, fmt.Sprintf("service.connections.per_prefix: ipv4 = 24, limit = %d", t.ct.subnet), note+". Counts as CT_LIMIT does.", true)
}

func (t *translator) blockTime() {
	e := t.get("CT_BLOCK_TIME")
	if e == nil || t.on("CT_PERMANENT") {
		return
	}
	n, ok := number(e.value)
	if !ok {
		t.leave(e, "must be a number of seconds")
		return
	}
	t.ct.blockFor = min(max(n, int(policy.MinBlockFor.Seconds())), int(policy.MaxBlockFor.Seconds()))
	note := "A block here is of the service's ports, and frees what the source holds; csf's is of every port, both ways. Ours begins after block_after; before that new connections are refused"
	if n != t.ct.blockFor {
		note += fmt.Sprintf("; %d is out of the range from %s to %s", n, policy.MinBlockFor, policy.MaxBlockFor)
	}
	t.ct.blockNote = t.taken(e, fmt.Sprintf("service.response.block_for = [\"%ds\"]", t.ct.blockFor), note+".", true)
}
