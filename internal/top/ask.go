package top

import (
	"context"
	"net/netip"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"ebbgate/control"
)

const (
	// patience bounds one question; the daemon answers from memory.
	patience = 5 * time.Second
	// pace is the least time between two rounds of questions, however fast somebody presses keys.
	pace = 250 * time.Millisecond
	// mostSources is how many sources are asked for and can be moved through.
	mostSources = 200
)

// questions are what one round asks beside the status.
type questions struct {
	sources control.SourcesRequest
	attacks bool
	why     netip.Addr // invalid: no
}

// picture is what the daemon answered to one round.
type picture struct {
	status     *control.Status
	err        error // of the status; the rest is nil then
	asked      control.SourcesRequest
	sources    *control.Sources
	sourcesErr error
	attacks    *control.Attacks // nil: not asked for
	attacksErr error
	why        *control.Explanation
	whyErr     error
}

// tick says that it is time for the next round. Only the one scheduled last counts.
type tick int

// schedule has the next round begin after d. An earlier schedule is void.
func (m *Model) schedule(d time.Duration) tea.Cmd {
	m.turn++
	turn := tick(m.turn)
	return tea.Tick(d, func(time.Time) tea.Msg { return turn })
}

// soon has the next round begin early, because something else is looked at now.
func (m *Model) soon() tea.Cmd {
	if m.paused {
		return nil
	}
	if m.asking {
		m.again = true
		return nil
	}
	return m.schedule(max(0, pace-m.now().Sub(m.answered)))
}

// ticked begins a round.
func (m *Model) ticked(t tick) tea.Cmd {
	if int(t) != m.turn || m.asking || m.paused {
		return nil
	}
	m.asking = true
	return ask(m.daemon, m.questions())
}

// answeredBy takes a picture in and schedules the next round.
func (m *Model) answeredBy(p picture) tea.Cmd {
	m.asking, m.answered = false, m.now()
	if m.paused {
		return nil
	}
	m.take(p)
	if m.again {
		m.again = false
		return m.schedule(pace)
	}
	return m.schedule(m.every)
}

// ask asks one after another, so that one round is one connection of the daemon's.
func ask(d asker, q questions) tea.Cmd {
	return func() tea.Msg {
		p := picture{asked: q.sources}
		if p.status, p.err = once(d.Status); p.err != nil {
			return p
		}
		p.sources, p.sourcesErr = once(func(ctx context.Context) (*control.Sources, error) { return d.Sources(ctx, q.sources) })
		if q.attacks {
			p.attacks, p.attacksErr = once(d.Attacks)
		}
		if q.why.IsValid() {
			p.why, p.whyErr = once(func(ctx context.Context) (*control.Explanation, error) { return d.Explain(ctx, q.why) })
		}
		return p
	}
}

func once[T any](question func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return question(ctx)
}
