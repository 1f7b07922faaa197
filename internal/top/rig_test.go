package top

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"ebbgate/control"
	"ebbgate/policy"
)

// fake is a daemon that answers what it is told to, and remembers what it was asked.
type fake struct {
	status     *control.Status
	err        error // of all questions
	sourcesErr error
	orderErr   error
	asked      []control.SourcesRequest
	explained  []netip.Addr
	attacks    int // questions
	orders     []any
}

func (f *fake) Status(context.Context) (*control.Status, error) { return f.status, f.err }

func (f *fake) Sources(_ context.Context, q control.SourcesRequest) (*control.Sources, error) {
	f.asked = append(f.asked, q)
	if f.sourcesErr != nil {
		return nil, f.sourcesErr
	}
	return holders(f.status, q), nil
}

func (f *fake) Attacks(context.Context) (*control.Attacks, error) {
	f.attacks++
	return past(f.status), nil
}

func (f *fake) Explain(_ context.Context, a netip.Addr) (*control.Explanation, error) {
	f.explained = append(f.explained, a)
	return explained(a), nil
}

func (f *fake) Exempt(_ context.Context, r control.ExemptRequest) (*control.Exempted, error) {
	f.orders = append(f.orders, r)
	p, _ := control.ParsePrefix(r.Prefix)
	return &control.Exempted{Exempt: control.Exempt{Prefix: p}}, f.orderErr
}

func (f *fake) Block(_ context.Context, r control.BlockRequest) (*control.Blocked, error) {
	f.orders = append(f.orders, r)
	p, _ := control.ParsePrefix(r.Prefix)
	return &control.Blocked{Prefix: p, Still: []string{"192.0.2.0/24 stays exempt"}}, f.orderErr
}

func (f *fake) Unblock(_ context.Context, r control.UnblockRequest) (*control.Blocked, error) {
	f.orders = append(f.orders, r)
	p, _ := control.ParsePrefix(r.Prefix)
	return &control.Blocked{Prefix: p, Blocks: make([]control.BlockOfService, control.MaxBlocks), Total: 5000, Freed: 2}, f.orderErr
}

func (f *fake) Mode(_ context.Context, r control.ModeRequest) (*control.Moded, error) {
	f.orders = append(f.orders, r)
	return &control.Moded{Services: []control.ServiceMode{{Service: r.Service, Mode: policy.Shadow}}}, f.orderErr
}

var errGone = errors.New(`reach ebbgate at "/run/ebbgate/control.sock": connection refused: is it running?`)

// rig is a model and what it sees.
type rig struct {
	*Model
	t      *testing.T
	daemon *fake
	now    time.Time
	quit   bool
}

func newRig(t *testing.T, s *control.Status, width, height int, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, daemon: &fake{status: s}, now: s.At.Time}
	c := Config{Daemon: r.daemon, Now: func() time.Time { return r.now }, Every: time.Second}
	for _, f := range change {
		f(&c)
	}
	r.Model = New(c)
	r.send(tea.WindowSizeMsg{Width: width, Height: height})
	r.round()
	r.round() // the second knows which service is chosen
	return r
}

// send gives the model a message and carries out what it wants done at once; it waits for no time to pass.
func (r *rig) send(msg tea.Msg) {
	r.t.Helper()
	_, cmd := r.Update(msg)
	if _, isTick := msg.(tick); cmd == nil || !isTick && r.turnsOnly(msg) {
		return
	}
	switch done := cmd().(type) {
	case picture, outcome:
		r.send(done)
	case tea.QuitMsg:
		r.quit = true
	}
}

// turnsOnly reports whether what follows a message can only be a schedule.
func (r *rig) turnsOnly(msg tea.Msg) bool {
	switch msg := msg.(type) {
	case picture, outcome:
		return true
	case tea.KeyMsg:
		return !r.sending && msg.String() != "q" && msg.String() != "ctrl+c"
	}
	return false
}

// round has the daemon asked and its answer taken, a period after the last.
func (r *rig) round() {
	r.t.Helper()
	r.now = r.now.Add(r.every)
	r.send(tick(r.turn))
}

// press presses one key after the other: names of keys, or single characters.
func (r *rig) press(keys ...string) {
	r.t.Helper()
	for _, k := range keys {
		r.send(keyNamed(k))
	}
}

func keyNamed(name string) tea.KeyMsg {
	for _, t := range []tea.KeyType{tea.KeyUp, tea.KeyDown, tea.KeyLeft, tea.KeyRight, tea.KeyEnter, tea.KeyEsc, tea.KeyTab, tea.KeyShiftTab, tea.KeyBackspace,
		tea.KeyPgUp, tea.KeyPgDown, tea.KeyHome, tea.KeyEnd, tea.KeyCtrlC, tea.KeyCtrlZ, tea.KeyCtrlU, tea.KeyCtrlF, tea.KeyCtrlB, tea.KeySpace} {
		if k := (tea.KeyMsg{Type: t}); k.String() == name && name != " " {
			return k
		}
	}
	if name == " " {
		return tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name)}
}

// screen is the view without its styles.
func (r *rig) screen() string { return ansi.Strip(r.View()) }

// shows checks that all texts are on the screen.
func (r *rig) shows(texts ...string) {
	r.t.Helper()
	screen := r.screen()
	for _, text := range texts {
		if !strings.Contains(screen, text) {
			r.t.Errorf("%q is not on the screen:\n%s", text, screen)
		}
	}
}

// hides checks that none of the texts is on the screen.
func (r *rig) hides(texts ...string) {
	r.t.Helper()
	screen := r.screen()
	for _, text := range texts {
		if strings.Contains(screen, text) {
			r.t.Errorf("%q is on the screen:\n%s", text, screen)
		}
	}
}

// chosenLine is the line with the mark.
func (r *rig) chosenLine() string {
	for line := range strings.Lines(r.screen()) {
		if strings.HasPrefix(line, r.look.mark) {
			return line
		}
	}
	return ""
}
