package audit

import (
	"fmt"
	"slices"
	"strconv"

	"ebbgate/internal/process"
)

// Limits of descriptors worth a word, and what is advised instead.
const (
	lowFiles    = 1024
	enoughFiles = 65536
)

// worker is a kind of process: same name, unit and limit. A server may have dozens of them.
type worker struct {
	name, unit string
	limit      uint64
}

// workers are the processes of one kind.
type workers struct {
	worker
	fullest   process.Holder // that with the most descriptors open
	count     int
	listeners []*Listener
}

// kinds groups the processes that listen. systemd, which holds the sockets of socket units and
// accepts nothing, is left out.
func (x *exam) kinds() []workers {
	var out []workers
	at := make(map[worker]int)
	seen := make(map[int]bool)
	for i := range x.Listeners {
		l := &x.Listeners[i]
		for _, h := range l.Holders {
			if h.PID == 1 || h.FileLimit == 0 {
				continue
			}
			key := worker{h.Name, h.Unit, h.FileLimit}
			k, known := at[key]
			if !known {
				k = len(out)
				at[key] = k
				out = append(out, workers{worker: key, fullest: h})
			}
			if !seen[h.PID] {
				seen[h.PID] = true
				out[k].count++
			}
			if h.Files > out[k].fullest.Files {
				out[k].fullest = h
			}
			if !slices.Contains(out[k].listeners, l) {
				out[k].listeners = append(out[k].listeners, l)
			}
		}
	}
	return out
}

func checkFileLimits(x *exam) {
	for _, w := range x.kinds() {
		checkFileLimit(x, &w)
	}
}

func checkFileLimit(x *exam, w *workers) {
	p := programOf(w.name)
	f := x.fileFinding(w, p)
	open := uint64(max(w.fullest.Files, 0))
	switch {
	case w.limit == process.Unlimited:
		x.ok(idFileLimit, f.Subject, "no limit", "Only the host's fs.file-max bounds it.")
		return
	case open*100 >= w.limit*95:
		f.Severity = Critical
		f.Why = "Hardly a descriptor is left: accept(2) fails with EMFILE, and connections pile up in the accept queue."
	case open*100 >= w.limit*80:
		f.Severity = Warning
		f.Why = "Four fifths of the descriptors are in use. When they are gone, accept(2) fails with EMFILE."
	case w.limit <= lowFiles && !p.forks && slices.ContainsFunc(w.listeners, x.exposed):
		f.Severity = Advice
		f.Why = fmt.Sprintf("Each process holds at most %d connections, which one attacker's machine opens in a second; a proxy, with two for each client, half as many.", w.limit)
	default:
		x.ok(idFileLimit, f.Subject, f.Found, "Each connection takes a descriptor, a proxied one two.")
		return
	}
	x.setLimit(&f, w, max(enoughFiles, 2*w.limit))
	x.add(f)
}

// fileFinding says what is common to findings about a kind of process.
func (x *exam) fileFinding(w *workers, p program) Finding {
	f := Finding{ID: idFileLimit, Subject: fmt.Sprintf("%s (pid %d)", w.name, w.fullest.PID)}
	if w.count > 1 {
		f.Subject = fmt.Sprintf("%s (pid %d and %d more)", w.name, w.fullest.PID, w.count-1)
	}
	f.Found = fmt.Sprintf("%d of %d files open", w.fullest.Files, w.limit)
	if w.fullest.Files < 0 {
		f.Found = fmt.Sprintf("at most %d files", w.limit)
	}
	f.Where = "LimitNOFILE= in its unit"
	if w.unit != "" {
		f.Where = fmt.Sprintf("LimitNOFILE= by systemctl edit %s, then restart it", w.unit)
	}
	if p.files != "" {
		f.Where = p.files + "; or " + f.Where
	}
	f.Verify = fmt.Sprintf("grep 'open files' /proc/%d/limits", w.fullest.PID)
	return f
}

// setLimit advises a limit, within what the kernel allows any process (fs.nr_open).
func (x *exam) setLimit(f *Finding, w *workers, want uint64) {
	if most, ok := x.sysctl(nrOpen); ok && want > most {
		want = max(most, w.limit)
		f.Where += "; fs.nr_open allows no more than " + strconv.FormatUint(most, 10)
	}
	f.Advised = strconv.FormatUint(want, 10)
	f.Expect = "a soft limit of " + f.Advised + " (the pid is another after a restart)"
}

// spare is what a process needs beside connections: files, logs, connections of its own.
const spare = 256

// checkCapacity compares the limits of a service's processes with what the policy says it holds.
func checkCapacity(x *exam) {
	for i := range x.services {
		s := &x.services[i]
		if s.Capacity <= 0 {
			continue
		}
		for _, w := range x.kinds() {
			if !slices.ContainsFunc(w.listeners, func(l *Listener) bool { return listensFor(s, l.Local) }) || w.limit == process.Unlimited {
				continue
			}
			p := programOf(w.name)
			need := uint64((s.Capacity+w.count-1)/w.count + spare)
			if p.forks || w.limit >= need {
				continue
			}
			f := x.fileFinding(&w, p)
			f.Severity = Warning
			f.Why = fmt.Sprintf("The policy says that service %q holds %d connections: with %d of these processes, %d descriptors each, not counting those of a proxy's other side.",
				s.Name, s.Capacity, w.count, need)
			x.setLimit(&f, &w, max(2*need, enoughFiles))
			x.add(f)
		}
	}
}

func checkFileMax(x *exam) {
	nr, most := x.Sysctls[fileNr], x.Sysctls[fileMax]
	if len(nr) == 0 || len(most) == 0 || most[0] == 0 {
		return
	}
	need := uint64(0)
	for _, s := range x.services {
		need += uint64(s.Capacity)
	}
	f := Finding{ID: idFileMax, Subject: fileMax, Found: fmt.Sprintf("%d of %d open", nr[0], most[0])}
	share := float64(nr[0]) / float64(most[0])
	switch {
	case share >= 0.95:
		f.Severity, f.Why = Critical, "The whole host is about to run out of file descriptors: open(2) and accept(2) fail with ENFILE."
	case share >= 0.8:
		f.Severity, f.Why = Warning, "Four fifths of the host's file descriptors are in use."
	case float64(need)*1.25 > float64(most[0]):
		f.Severity, f.Why = Warning, fmt.Sprintf("The services of the policy alone are to hold %d connections.", need)
	default:
		x.ok(idFileMax, f.Subject, f.Found, "The host has descriptors to spare.")
		return
	}
	x.advise(f, Assignment{fileMax, strconv.FormatUint(max(2*most[0], 2*need), 10)})
}
