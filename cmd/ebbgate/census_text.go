package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// write prints a census for people.
func (c *counted) write(p *printer) {
	if c.Services != nil {
		c.writeStates(p)
		c.writeServices(p)
		c.writeLeaks(p)
	}
	if c.Queues != nil {
		c.Queues.write(p)
	}
	if c.Idle != nil {
		if c.Queues != nil {
			p.line("")
		}
		c.Idle.write(p)
	}
	if c.Hidden > 0 && c.namesNobody() {
		p.line("")
		p.text("%s could not be looked into: %s.", number(c.Hidden, "process", "processes"), hiddenAdvice(c.root))
	}
	for _, note := range c.Notes {
		p.line("")
		p.text("Not counted: %s", note)
	}
	if !c.Complete {
		p.line("")
		p.line("The count is not complete: it shows lower bounds.")
	}
}

// hiddenAdvice says what it takes to see every process.
func hiddenAdvice(root bool) string {
	if root {
		return "root lacks CAP_SYS_PTRACE here"
	}
	return "they belong to other users, and root would see them"
}

func (c *counted) writeStates(p *printer) {
	p.line("%-14s %10s", "STATE", "SOCKETS")
	for _, s := range c.States {
		p.line("%-14s %10d", s.State, s.Sockets)
	}
	p.line("")
}

// writeServices leaves out ports without a connection but for their numbers: a host may listen on
// dozens that nobody uses.
func (c *counted) writeServices(p *printer) {
	if c.byState {
		p.line("%-16s %-24s %10s %10s", "SERVICE", "PORTS", "SOCKETS", "SOURCES")
	} else {
		p.line("%-16s %-24s %10s %10s %10s", "SERVICE", "PORTS", "HELD", "HALF-OPEN", "SOURCES")
	}
	var quiet []string
	for i := range c.Services {
		s := &c.Services[i]
		if c.ports && s.Sockets == 0 && s.Listeners == nil {
			quiet = append(quiet, s.Ports)
			continue
		}
		if c.byState {
			p.line("%-16s %-24s %10d %10d", s.Service, shorten(s.Ports, 24), s.Sockets, s.Sources)
		} else {
			p.line("%-16s %-24s %10d %10d %10d", s.name(), shorten(s.Ports, 24), *s.Held, *s.HalfOpen, s.Sources)
		}
		for j := range s.Listeners {
			p.line("  %s", shorten(s.Listeners[j].words(), p.width-2))
		}
		for _, t := range s.Top {
			if c.byState {
				p.line("  %-39s %10d", t.Source, t.Sockets)
			} else {
				p.line("  %-39s %10d %10d", t.Source, *t.Held, *t.HalfOpen)
			}
		}
	}
	if len(quiet) > 0 {
		p.text("No connection on %s", strings.Join(quiet, ", "))
	}
}

// name tells the two counts of a service apart.
func (s *countedService) name() string {
	if s.Traffic == "" {
		return s.Service
	}
	return s.Service + " (" + s.Traffic + ")"
}

// words says who listens, how full its queue is, and how many of its files are used.
func (l *countedListener) words() string {
	text := fmt.Sprintf("%s  queue %d of %d  %s", l.Local, l.Queue, l.Backlog, holders(l.Processes, l.UID))
	if len(l.Processes) > 0 {
		text += fileWords(&l.Processes[0], ", ", " files")
	}
	return text
}

// fileWords says how many files a process has open, if that is known.
func fileWords(p *countedProcess, before, after string) string {
	switch {
	case p.Files == nil:
		return ""
	case p.FileLimit == nil:
		return fmt.Sprintf("%s%d%s", before, *p.Files, after)
	}
	return fmt.Sprintf("%s%d of %d%s", before, *p.Files, *p.FileLimit, after)
}

// holders names the first process and counts the others.
func holders(list []countedProcess, uid uint32) string {
	if len(list) == 0 {
		return "? (uid " + strconv.Itoa(int(uid)) + ")"
	}
	text := list[0].words()
	if n := len(list) - 1; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// words names a process, and its unit where that says more.
func (p *countedProcess) words() string {
	return fmt.Sprintf("%s[%d]", p.Name, p.PID) + p.unitWords()
}

func (p *countedProcess) unitWords() string {
	if p.Unit == "" || strings.TrimSuffix(p.Unit, ".service") == p.Name {
		return ""
	}
	return " " + p.Unit
}

// number writes how many there are of something.
func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// lengthText writes a duration in its two largest units, the second only if it is not zero.
func lengthText(d time.Duration) string {
	units := []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for i, u := range units[:len(units)-1] {
		if d < u.length {
			continue
		}
		text := strconv.Itoa(int(d/u.length)) + u.name
		if rest := d % u.length / units[i+1].length; rest > 0 {
			text += fmt.Sprintf("%02d%s", rest, units[i+1].name)
		}
		return text
	}
	return strconv.Itoa(int(d/time.Second)) + "s"
}
