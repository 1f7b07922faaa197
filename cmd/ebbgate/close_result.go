package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ebbgate/control"
	"ebbgate/internal/survey"
)

// closed is the JSON form of what close found and did.
type closed struct {
	Complete    bool                `json:"complete"` // false: there may be more
	Done        bool                `json:"done"`     // false: nothing was tried, for want of --yes or of connections
	Matched     int                 `json:"matched"`
	ToCut       int                 `json:"to_cut"`  // of the matched, as many as one run cuts
	Waiting     int                 `json:"waiting"` // of the matched, still in an accept queue
	States      []countedState      `json:"states"`
	SourceTotal int                 `json:"sources_total"`
	Sources     []closedSource      `json:"sources"`              // the heaviest, as many as --top asks for
	Connections []countedConnection `json:"connections,omitzero"` // with --processes: idle longest
	Spared      []closedSpared      `json:"spared"`
	Cut         int                 `json:"cut"`
	Gone        int                 `json:"gone"`    // closed by themselves in the meantime
	Refused     int                 `json:"refused"` // by the kernel
	Hidden      int                 `json:"hidden_processes"`
	Note        string              `json:"note,omitempty"`

	shown bool // the plan is printed already
}

type closedSource struct {
	Source      string           `json:"source"`
	Connections int              `json:"connections"`
	LongestIdle control.Duration `json:"longest_idle"` // seconds
}

type closedSpared struct {
	Reason      string   `json:"reason"` // "session", "exempt" or "host"
	Connections int      `json:"connections"`
	Sources     []string `json:"sources"` // some
}

func newClosed(p *survey.Plan, note string) *closed {
	out := &closed{Matched: p.Matched, ToCut: p.Count(), Waiting: p.Waiting, States: []countedState{}, SourceTotal: p.SourceTotal,
		Sources: []closedSource{}, Spared: []closedSpared{}, Note: note}
	for _, s := range p.States {
		out.States = append(out.States, countedState{s.State.String(), s.Sockets})
	}
	for _, s := range p.Sources {
		out.Sources = append(out.Sources, closedSource{sourceText(s.Source), s.Connections, control.Duration(s.LongestIdle.Truncate(time.Millisecond))})
	}
	for _, s := range p.Spared {
		spared := closedSpared{Reason: string(s.Reason), Connections: s.Connections}
		for _, a := range s.Sources {
			spared.Sources = append(spared.Sources, a.String())
		}
		out.Spared = append(out.Spared, spared)
	}
	return out
}

// write prints it for people, the plan only if it was not printed before the cutting.
func (c *closed) write(p *printer) {
	if !c.shown {
		c.writePlan(p)
	}
	c.writeResult(p)
}

// writePlan prints what is to be cut and what is not.
func (c *closed) writePlan(p *printer) {
	if c.Matched > 0 {
		c.writeFound(p)
	}
	c.writeSpared(p)
	if !c.Complete {
		p.line("The kernel's list was not complete: there may be more.")
	}
}

// writeResult prints what was done.
func (c *closed) writeResult(p *printer) {
	switch {
	case c.Matched == 0:
		p.line("No connection to cut.")
	case !c.Done:
		p.line("Nothing was cut. To cut %s, add --yes.", them(c.ToCut))
	default:
		c.writeOutcome(p)
	}
	if left := c.Matched - c.ToCut; left > 0 {
		p.text("%d more match: one run cuts %d, those idle longest. Run it again for the others.", left, survey.MaxCut)
	}
}

func (c *closed) writeFound(p *printer) {
	var states []string
	for _, s := range c.States {
		states = append(states, fmt.Sprintf("%d %s", s.Sockets, s.State))
	}
	p.text("%s from %s: %s.", number(c.Matched, "connection", "connections"), number(c.SourceTotal, "source", "sources"), strings.Join(states, ", "))
	p.line("")
	if len(c.Sources) > 0 {
		g := grid{head: []string{"SOURCE", ">CONNECTIONS", ">LONGEST IDLE", ""}}
		for _, s := range c.Sources {
			g.add(s.Source, strconv.Itoa(s.Connections), lengthText(time.Duration(s.LongestIdle)), "")
		}
		g.write(p)
		if n := c.SourceTotal - len(c.Sources); n > 0 {
			p.line("and %s", number(n, "other source", "other sources"))
		}
		p.line("")
	}
	if len(c.Connections) > 0 {
		writeList(p, c.Connections, []string{">IDLE", "STATE"}, func(c *countedConnection) []string {
			return []string{lengthText(time.Duration(c.Idle)), c.State}
		})
		p.line("")
	}
	if c.Waiting > 0 {
		p.text("%s in an accept queue. The peer is reset, but the place in the queue stays taken until the application accepts it.",
			number(c.Waiting, "of them waits", "of them wait"))
		p.line("")
	}
}

// sparedWords says why connections are left alone.
var sparedWords = map[string]string{
	string(survey.SpareSession): "you are logged in over it",
	string(survey.SpareExempt):  "exempt by the policy",
	string(survey.SpareHost):    "from this host itself",
}

func (c *closed) writeSpared(p *printer) {
	for _, s := range c.Spared {
		p.text("Left alone: %s, %s (%s). --force cuts these too.", number(s.Connections, "connection", "connections"), sparedWords[s.Reason],
			strings.Join(s.Sources, ", "))
	}
	if c.Note != "" {
		p.text("%s", c.Note)
	}
	if len(c.Spared) > 0 || c.Note != "" {
		p.line("")
	}
}

func (c *closed) writeOutcome(p *printer) {
	text := "Cut " + number(c.Cut, "connection", "connections") + "."
	if c.Gone > 0 {
		text += fmt.Sprintf(" %d closed by themselves in the meantime.", c.Gone)
	}
	if c.Refused > 0 {
		text += fmt.Sprintf(" The kernel refused %d.", c.Refused)
	}
	if rest := c.ToCut - c.Cut - c.Gone - c.Refused; rest > 0 {
		text += fmt.Sprintf(" %d were not tried.", rest)
	}
	p.text("%s", text)
}

// them is the pronoun for so many.
func them(n int) string {
	if n == 1 {
		return "it"
	}
	return "these " + strconv.Itoa(n)
}
