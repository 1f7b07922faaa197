package audit

import (
	"fmt"
	"strconv"
)

// Backlogs below these are worth a word. A burst of connections between two accept(2) calls that
// is longer than the backlog is lost.
const (
	lowBacklog  = 1024
	tinyBacklog = 128
	mostBacklog = 65535
)

// wantBacklog is the backlog advised for a service of so many connections; 0 is not stated.
func wantBacklog(capacity int) int { return min(max(capacity, enoughBacklog), mostBacklog) }

func checkSomaxconn(x *exam) {
	v, ok := x.sysctl(somaxconn)
	if !ok {
		return
	}
	want := enoughBacklog
	for _, s := range x.services {
		want = max(want, wantBacklog(s.Capacity))
	}
	found := strconv.FormatUint(v, 10)
	if v >= uint64(want) {
		x.ok(idSomaxconn, somaxconn, found, "It cuts what programs ask for as their backlog, at the moment they ask.")
		return
	}
	f := Finding{ID: idSomaxconn, Severity: Warning, Subject: somaxconn, Found: found,
		Why: "Every backlog is cut to this when a program listens. Programs must be restarted, and ask for more themselves, before a higher value helps them."}
	if v >= lowBacklog {
		f.Severity = Advice
	}
	x.advise(f, Assignment{somaxconn, strconv.Itoa(want)})
}

func checkBacklogs(x *exam) {
	for i := range x.Listeners {
		l := &x.Listeners[i]
		if x.exposed(l) {
			checkBacklog(x, l)
		}
	}
}

func checkBacklog(x *exam, l *Listener) {
	p := programOf(l.program())
	found := fmt.Sprintf("backlog %d", l.Backlog)
	enough := uint32(lowBacklog)
	if p.forks || l.program() == "" { // of a program not seen, only the plainly bad is said
		enough = tinyBacklog
	}
	switch {
	case l.Backlog >= enough:
		x.ok(idBacklog, l.label(), found, "Bursts of that many connections find room until the program accepts them.")
		return
	case p.fixed:
		x.ok(idBacklog, l.label(), found, "It is compiled into the program; no sysctl and no setting raises it.")
		return
	}
	capacity := 0
	if s, ok := x.serviceOf(l); ok {
		capacity = s.Capacity
	}
	want := wantBacklog(capacity)
	f := Finding{ID: idBacklog, Severity: Advice, Subject: l.label(), Found: found, Advised: strconv.Itoa(want),
		Why:   fmt.Sprintf("A burst of more than %d connections before the program accepts is dropped. The number is the program's own: a sysctl alone does not raise it.", l.Backlog),
		Where: x.whereBacklog(l, p), Verify: l.ssListener(), Expect: fmt.Sprintf("Send-Q %d", want)}
	if l.Backlog < tinyBacklog {
		f.Severity = Warning
	}
	x.add(f)
}

// whereBacklog names the setting that raises a listener's backlog.
func (x *exam) whereBacklog(l *Listener, p program) string {
	limit, known := x.sysctl(somaxconn)
	capped := known && uint64(l.Backlog) >= limit
	where := p.backlog
	switch {
	case l.socketUnit():
		where = "Backlog= in the .socket unit that opens it"
	case where == "" && l.program() == "":
		where = "the backlog argument of listen(2) in the program that listens there"
	case where == "":
		where = "the backlog argument of listen(2) in " + l.program() + "; look for a setting of that name"
	}
	if capped {
		return fmt.Sprintf("net.core.somaxconn first, which cuts it to %d; then %s; restart", limit, where)
	}
	return where + "; then restart it"
}
