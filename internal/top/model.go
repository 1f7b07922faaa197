package top

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"ebbgate/control"
)

// The bounds of Config.Every.
const (
	Shortest = 250 * time.Millisecond
	Longest  = 10 * time.Second
)

// Config is what a Model is made of.
type Config struct {
	Daemon Daemon
	Now    func() time.Time // the reader's clock
	Every  time.Duration    // between two pictures; Shortest to Longest
	WhyNot string           // why this user may give no orders; empty: he may
	Color  bool             // else weight and reverse video only
	ASCII  bool             // no characters beyond ASCII of our own
}

// Model is the state of the view. It is not safe for concurrent use: whoever runs it calls Update and View
// one after another, as Bubble Tea does.
type Model struct {
	daemon Daemon
	now    func() time.Time
	every  time.Duration
	whyNot string
	look   *look

	width, height int

	last     picture // the newest that was good; its status is nil before the first
	failed   error   // of the newest question; nil: it was answered
	since    time.Time
	history  history
	turn     int
	asking   bool
	again    bool // something else is looked at since the question was asked
	answered time.Time

	pane      pane
	lists     [panes]list
	filtering bool
	paused    bool
	page      *page
	order     *order
	sending   bool
	said      string // what came of the last key or order; escaped
	saidBad   bool
}

// New returns a model that has not asked yet.
func New(c Config) *Model {
	return &Model{daemon: c.Daemon, now: c.Now, every: min(max(c.Every, Shortest), Longest), whyNot: c.WhyNot, look: newLook(c.Color, c.ASCII)}
}

// Init begins the first round of questions.
func (m *Model) Init() tea.Cmd { return m.schedule(0) }

// Update takes in one message and returns what is to be done.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyMsg:
		return m, m.keys(msg)
	case tick:
		return m, m.ticked(msg)
	case picture:
		return m, m.answeredBy(msg)
	case outcome:
		m.sending = false
		m.say(msg.text, msg.bad)
		return m, m.soon()
	}
	return m, nil
}

// take makes a picture the one that is shown. What failed leaves the last one.
func (m *Model) take(p picture) {
	if p.err != nil {
		if m.failed == nil {
			m.since = m.now()
		}
		m.failed = p.err
		m.history.gap()
		return
	}
	m.failed = nil
	if p.attacks == nil && p.attacksErr == nil {
		p.attacks, p.attacksErr = m.last.attacks, m.last.attacksErr
	}
	m.last = p
	m.history.add(p.status)
	if w := m.page; w != nil && w.address.IsValid() && (p.why != nil || p.whyErr != nil) {
		w.why, w.err = p.why, p.whyErr
	}
	m.settle()
}

// questions are what the present view needs.
func (m *Model) questions() questions {
	q := questions{attacks: m.pane == attacksPane}
	if m.page != nil {
		q.why = m.page.address
	}
	switch m.pane {
	case servicesPane:
		q.sources = control.SourcesRequest{Service: m.selected().service, Limit: mostSources / 4}
	default:
		l := &m.lists[sourcesPane]
		q.sources = l.filter.narrow(m.last.status)
		q.sources.Sort, q.sources.Limit = sourceOrders[l.sort].by, mostSources
	}
	return q
}

// say shows a line until the next key.
func (m *Model) say(text string, bad bool) { m.said, m.saidBad = text, bad }

// service returns a service of the picture by its name, nil if there is none.
func (m *Model) service(name string) *control.Service {
	if m.last.status == nil {
		return nil
	}
	for i := range m.last.status.Services {
		if s := &m.last.status.Services[i]; s.Name == name {
			return s
		}
	}
	return nil
}
