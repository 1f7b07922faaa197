package csf

import (
	"fmt"
	"strings"

	"ebbgate/policy"
)

// portLimits are the limits csf has for one port.
type portLimits struct {
	held, rate         int // 0: none
	heldNote, rateNote string
}

// maxPortServices bounds how many ports get a service of their own; policy.MaxServices has to hold the
// others too.
const maxPortServices = 48

// longestWindow is the longest PORTFLOOD interval, in seconds, whose count means much as a rate.
const longestWindow = 10

// perPort reads CONNLIMIT and PORTFLOOD.
func (t *translator) perPort() {
	t.ports = make(map[uint16]*portLimits)
	if e := t.get("CONNLIMIT"); e != nil && t.on("CONNLIMIT") {
		t.each(e, t.connlimit)
	}
	if e := t.get("PORTFLOOD"); e != nil && t.on("PORTFLOOD") {
		t.each(e, t.portflood)
	}
}

// each hands out the items of a list; what cannot be taken over is left, once with its reason.
func (t *translator) each(e *entry, take func(e *entry, fields []string) (why string)) {
	n := 0
	for item := range strings.SplitSeq(strings.Join(strings.Fields(e.value), ""), ",") {
		if n++; n > policy.MaxServices {
			t.leave(e, "what follows entry %d was not read", policy.MaxServices)
			return
		}
		if item == "" {
			continue
		}
		if why := take(e, strings.Split(item, ";")); why != "" {
			t.leave(e, "%s: %s", show(item), why)
		}
	}
}

func (t *translator) connlimit(e *entry, f []string) (why string) {
	if len(f) != 2 {
		return "must be PORT;LIMIT"
	}
	p, ok1 := port(f[0])
	n, ok2 := number(f[1])
	if !ok1 || !ok2 || n < 1 || n > policy.MaxPerSource {
		return fmt.Sprintf("must be a port and a limit from 1 to %d", policy.MaxPerSource)
	}
	l, why := t.limitsOf(p)
	if why != "" {
		return why
	}
	l.held = max(n, policy.MinPerSource)
	note := "csf has the kernel refuse from the first connection too many, all the time; here new ones are refused, and the excess closed, while a source is over it"
	if t.on("IPV6") {
		note += ". csf leaves IPv6 alone unless CONNLIMIT6 is set; here a /64 is one source"
	}
	if n < policy.MinPerSource {
		note += fmt.Sprintf(". %d asks for less than the least, %d, as one or two connections can be forged", n, policy.MinPerSource)
	}
	if t.ct.limit > 0 && l.held > t.ct.limit {
		l.held = t.ct.limit
		note += fmt.Sprintf(". CT_LIMIT is lower, so %d", l.held)
	}
	l.heldNote = t.taken(e, fmt.Sprintf("service port-%d: connections.per_source = %d", p, l.held), note+".", true)
	return ""
}

func (t *translator) portflood(e *entry, f []string) (why string) {
	if len(f) != 4 {
		return "must be PORT;PROTOCOL;COUNT;SECONDS"
	}
	if f[1] != "tcp" {
		return "only TCP is looked at"
	}
	p, ok1 := port(f[0])
	count, ok2 := number(f[2])
	seconds, ok3 := number(f[3])
	if !ok1 || !ok2 || !ok3 || count < 1 || seconds < 1 || count > policy.MaxNewPerSource {
		return "must be a port, a protocol, a count and a number of seconds"
	}
	if seconds > longestWindow {
		return fmt.Sprintf("%d connections in %d s are not what exhausts a server but somebody who guesses passwords; new_per_source counts each second. Keep it, or use fail2ban", count, seconds)
	}
	l, why := t.limitsOf(p)
	if why != "" {
		return why
	}
	l.rate = max(count, policy.MinNewPerSource)
	note := fmt.Sprintf("csf allows %d SYNs in any %d s and wants %d s of silence after; new_per_source counts completed connections of each second, so the same burst passes and a steady %d/s too. Lower it if nobody opens so many at once",
		count, seconds, seconds, l.rate)
	l.rateNote = t.taken(e, fmt.Sprintf("service port-%d: rate.new_per_source = \"%d/s\"", p, l.rate), note+".", true)
	return ""
}

// limitsOf returns the limits of a port, unless there are too many ports with limits.
func (t *translator) limitsOf(p uint16) (l *portLimits, why string) {
	if l = t.ports[p]; l != nil {
		return l, ""
	}
	if len(t.ports) == maxPortServices {
		return nil, fmt.Sprintf("at most %d ports get a service of their own here; write a [[service]] by hand", maxPortServices)
	}
	l = &portLimits{}
	t.ports[p] = l
	return l, ""
}
