package main

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"ebbgate/control"
	"ebbgate/internal/process"
	"ebbgate/internal/survey"
)

// counted is the JSON form of a census. Parts that were not asked for are absent.
type counted struct {
	Time      control.Time     `json:"time"`
	Complete  bool             `json:"complete"` // false: counts are lower bounds
	CPU       control.Duration `json:"cpu"`      // seconds of one core
	States    []countedState   `json:"states,omitzero"`
	Services  []countedService `json:"services,omitzero"`
	CloseWait *countedLeaks    `json:"close_wait,omitempty"`
	Queues    *countedQueues   `json:"queues,omitempty"`
	Idle      *countedIdle     `json:"idle,omitempty"`
	Hidden    int              `json:"hidden_processes"` // that could not be looked into
	Notes     []string         `json:"notes,omitempty"`  // what is missing, and why

	byState bool // sources and services are counted in certain states
	ports   bool // services are single ports
	root    bool // it was root who looked
}

type countedState struct {
	State   string `json:"state"`
	Sockets int    `json:"sockets"`
}

// countedService and countedSource have Held and HalfOpen unless --state was given.
type countedService struct {
	Service   string            `json:"service"`           // of the policy, or "port N"
	Traffic   string            `json:"traffic,omitempty"` // "forwarded": what the host passes on
	Ports     string            `json:"ports"`
	Sockets   int               `json:"sockets"` // in the states of --state, or held and half-open
	Held      *int              `json:"held,omitempty"`
	HalfOpen  *int              `json:"half_open,omitempty"`
	Sources   int               `json:"sources"`
	Top       []countedSource   `json:"top"`                // the heaviest, as many as --top asks for
	Listeners []countedListener `json:"listeners,omitzero"` // with --processes
}

type countedSource struct {
	Source   string `json:"source"`
	Sockets  int    `json:"sockets"`
	Held     *int   `json:"held,omitempty"`
	HalfOpen *int   `json:"half_open,omitempty"`
}

type countedListener struct {
	Local     netip.AddrPort   `json:"local"`
	Queue     int              `json:"queue"`
	Backlog   int              `json:"backlog"`
	UID       uint32           `json:"uid"`
	Processes []countedProcess `json:"processes"`
}

// countedProcess lacks what the caller may not know.
type countedProcess struct {
	PID       int     `json:"pid"`
	Name      string  `json:"name"`
	Exe       string  `json:"exe,omitempty"`
	Unit      string  `json:"unit,omitempty"`
	Files     *int    `json:"files,omitempty"`      // descriptors open
	FileLimit *uint64 `json:"file_limit,omitempty"` // absent also where there is none
}

func newProcesses(holders []process.Holder) []countedProcess {
	out := make([]countedProcess, 0, len(holders))
	for _, h := range holders {
		p := countedProcess{PID: h.PID, Name: h.Name, Exe: h.Exe, Unit: h.Unit}
		if h.Files >= 0 {
			p.Files = &h.Files
		}
		if h.FileLimit != 0 && h.FileLimit != process.Unlimited {
			p.FileLimit = &h.FileLimit
		}
		out = append(out, p)
	}
	return out
}

func newListener(b *survey.Backlog) countedListener {
	return countedListener{Local: b.Local, Queue: int(b.Queue), Backlog: int(b.Backlog), UID: b.UID, Processes: newProcesses(b.Holders)}
}

func (c *counted) addOverview(o *survey.Overview, listeners *survey.Listeners, l *look) {
	c.ports = l.policy == nil
	c.States, c.Services = []countedState{}, []countedService{}
	for _, s := range o.States {
		c.States = append(c.States, countedState{s.State.String(), s.Sockets})
	}
	for i := range o.Services {
		out := c.newService(&o.Services[i])
		if listeners != nil {
			out.Listeners = []countedListener{}
			for j := range listeners.ByService[i] {
				out.Listeners = append(out.Listeners, newListener(&listeners.ByService[i][j]))
			}
		}
		c.Services = append(c.Services, out)
	}
	slices.SortStableFunc(c.Services, func(a, b countedService) int { return cmp.Compare(b.weight(), a.weight()) })
}

// weight orders services: by connections held, where that is known.
func (s *countedService) weight() int {
	if s.Held != nil {
		return *s.Held
	}
	return s.Sockets
}

func (c *counted) newService(s *survey.ServiceCount) countedService {
	out := countedService{Service: s.Service.Name, Ports: control.PortsText(s.Service.Ports), Sockets: s.Sockets,
		Sources: s.Sources, Top: []countedSource{}}
	if !c.byState {
		out.Held, out.HalfOpen = &s.Held, &s.HalfOpen
	}
	for i := range s.Top {
		t := &s.Top[i]
		src := countedSource{Source: sourceText(t.Source), Sockets: t.Sockets}
		if !c.byState {
			src.Held, src.HalfOpen = &t.Held, &t.HalfOpen
		}
		out.Top = append(out.Top, src)
	}
	return out
}

// countedLeaks are the connections in CLOSE_WAIT.
type countedLeaks struct {
	Sockets     int              `json:"sockets"`
	LeakAfter   control.Duration `json:"leak_after"` // seconds in CLOSE_WAIT that make a leak
	Leaked      int              `json:"leaked"`
	Beyond      int              `json:"beyond"` // leaked, but too many to look for their process
	GroupsTotal int              `json:"groups_total"`
	Groups      []countedLeak    `json:"groups"` // most sockets first, as many as --top asks for
}

type countedLeak struct {
	Process     *countedProcess  `json:"process"` // of several the one with most files open; null: not known
	Processes   int              `json:"processes"`
	UID         uint32           `json:"uid"`
	Direction   string           `json:"direction"`        // "in" or "out"
	Port        int              `json:"port,omitempty"`   // local, of "in"
	Remote      string           `json:"remote,omitempty"` // of "out"
	Sockets     int              `json:"sockets"`
	Unread      int              `json:"unread"`       // the end of the stream was not read
	NotAccepted int              `json:"not_accepted"` // still in the accept queue
	Oldest      control.Duration `json:"oldest"`       // seconds, at least
}

func (c *counted) addLeaks(l *survey.Leaks, top int) {
	if l == nil {
		l = &survey.Leaks{}
	}
	c.CloseWait = &countedLeaks{Sockets: l.CloseWait, LeakAfter: control.Duration(survey.LeakAge), Leaked: l.Leaked, Beyond: l.Beyond, GroupsTotal: len(l.Groups), Groups: []countedLeak{}}
	for i := range l.Groups[:min(top, len(l.Groups))] {
		g := &l.Groups[i]
		out := countedLeak{Processes: g.Processes, UID: g.UID, Direction: "in", Port: int(g.Port), Sockets: g.Sockets,
			Unread: g.Unread, NotAccepted: g.NotAccepted, Oldest: control.Duration(g.Oldest.Truncate(time.Millisecond))}
		if !g.Inbound {
			out.Direction, out.Remote = "out", g.Remote.String()
		}
		if g.Process.PID != 0 {
			out.Process = &newProcesses([]process.Holder{g.Process})[0]
		}
		c.CloseWait.Groups = append(c.CloseWait.Groups, out)
	}
}
