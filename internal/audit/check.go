package audit

import (
	"fmt"
	"slices"
	"strings"

	"ebbgate/internal/process"
	"ebbgate/policy"
)

// exam is one examination: what the checks read, and what they have found so far.
type exam struct {
	*Facts
	services []policy.Service
	found    []Finding
}

// Examine returns what the facts say about the host, the worst first, and among equals in the
// order of Topics. The services are those of the policy, if there is one. It depends on its
// arguments alone and changes neither.
func Examine(f *Facts, services []policy.Service) []Finding {
	x := &exam{Facts: f, services: services}
	for _, check := range []func(*exam){
		checkCookies, checkSynFlood, checkSynackRetries,
		checkSomaxconn, checkBacklogs, checkQueues, checkOverflows, checkAbort,
		checkFileLimits, checkCapacity, checkFileMax,
		checkKeepaliveTime, checkKeepaliveSockets,
		checkTimeWait, checkDestinations, checkPortRange, checkReserved,
		checkFinTimeout, checkTimestamps, checkMemory, checkOrphans,
		checkTrackFill, checkTrackBuckets, checkTrackSynRecv, checkTrackLoose,
		checkHooks, checkFolklore,
	} {
		check(x)
	}
	for _, u := range f.Unread {
		x.add(Finding{ID: idUnread, Severity: Unknown, Subject: u.Subject, Found: "not known",
			Why: sentence(u.Reason) + " What depends on it was not checked."})
	}
	order := make(map[string]int)
	for i, t := range Topics() {
		order[t.ID] = i
	}
	slices.SortStableFunc(x.found, func(a, b Finding) int {
		if a.Severity != b.Severity {
			return int(b.Severity) - int(a.Severity)
		}
		return order[a.ID] - order[b.ID]
	})
	return x.found
}

// sentence makes one of a reason, which may be an error's text.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func (x *exam) add(f Finding) { x.found = append(x.found, f) }

// ok notes that something was looked at and is fine.
func (x *exam) ok(id, subject, found, why string) {
	x.add(Finding{ID: id, Severity: OK, Subject: subject, Found: found, Why: why})
}

// advise adds a finding that sysctls settle. What is advised is the value of the first, which is
// the subject, and names and values of the others.
func (x *exam) advise(f Finding, set ...Assignment) {
	f.Sysctls = set
	f.Advised = joinValues(set)
	f.SetBy = x.setBy(set)
	f.Where = whereToSet(f.SetBy)
	var names, values []string
	for _, a := range set {
		names = append(names, a.Name)
		values = append(values, a.Name+" = "+short(a.Value))
	}
	f.Verify = "sysctl " + strings.Join(names, " ")
	f.Expect = strings.Join(values, ", ")
	x.add(f)
}

// joinValues names what is advised beside the subject, which is the first.
func joinValues(set []Assignment) string {
	values := []string{short(set[0].Value)}
	for _, a := range set[1:] {
		values = append(values, a.Name+" = "+short(a.Value))
	}
	return strings.Join(values, ", ")
}

// short bounds a list of ports in what people read; Finding.Sysctls has all of it.
func short(list string) string {
	const most = 200
	if len(list) <= most {
		return list
	}
	kept := list[:strings.LastIndexByte(list[:most], ',')+1]
	return fmt.Sprintf("%s... (%d more)", kept, strings.Count(list[len(kept):], ",")+1)
}

// setBy names the lines of files that set the settings now.
func (x *exam) setBy(set []Assignment) []string {
	var lines []string
	for _, a := range set {
		if s, ok := x.setting(a.Name); ok {
			lines = append(lines, fmt.Sprintf("%s:%d", s.File, s.Line))
		}
	}
	return slices.Compact(lines)
}

// whereToSet names those lines, since a new file that is read before them would be overridden, or
// else a file to make.
func whereToSet(setBy []string) string {
	if len(setBy) > 0 {
		return strings.Join(setBy, ", ") + ", " + plural(len(setBy), "which sets", "which set") + " it at boot; then sysctl --system"
	}
	return "a file in /etc/sysctl.d, such as ebbgate audit --sysctl prints; then sysctl --system"
}

// serviceOf returns the service of the policy a listener serves.
func (x *exam) serviceOf(l *Listener) (*policy.Service, bool) {
	for i := range x.services {
		if listensFor(&x.services[i], l.Local) {
			return &x.services[i], true
		}
	}
	return nil, false
}

// exposed reports whether a listener is to be measured as a server: it serves the policy, or can
// be reached from other hosts.
func (x *exam) exposed(l *Listener) bool {
	_, served := x.serviceOf(l)
	return served || !l.Local.Addr().IsLoopback()
}

// label names a listener with its process.
func (l *Listener) label() string {
	if name := l.program(); name != "" {
		return l.Local.String() + " (" + name + ")"
	}
	return l.Local.String()
}

// program returns the name of the process that listens. Where systemd opened the socket for a
// service, both hold it and the service is meant.
func (l *Listener) program() string {
	for _, h := range l.Holders {
		if h.PID != 1 {
			return h.Name
		}
	}
	if len(l.Holders) > 0 {
		return l.Holders[0].Name
	}
	return ""
}

// socketUnit reports whether systemd opened the socket.
func (l *Listener) socketUnit() bool {
	return slices.ContainsFunc(l.Holders, func(h process.Holder) bool { return h.PID == 1 })
}

// ssListener is the command that shows a listener's queue and backlog.
func (l *Listener) ssListener() string { return fmt.Sprintf("ss -ltn 'sport = :%d'", l.Local.Port()) }
