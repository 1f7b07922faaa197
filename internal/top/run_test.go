package top

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"ebbgate/control"
	"ebbgate/internal/nstest"
	"ebbgate/internal/screen"
)

// running is a model on a terminal of its own.
type running struct {
	*screen.Screen
	ended  chan error // capacity 1: Run's goroutine ends even if nobody asks
	cancel context.CancelFunc
}

func run(t *testing.T, d Daemon, columns, rows int) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Screen: screen.New(t, columns, rows), ended: make(chan error, 1), cancel: cancel}
	m := New(Config{Daemon: d, Now: time.Now, Every: Shortest})
	go func() { r.ended <- Run(ctx, m, r.TTY(), r.TTY()) }()
	t.Cleanup(cancel)
	return r
}

// end returns what Run returned, and checks that the terminal is as it was.
func (r *running) end(t *testing.T) error {
	t.Helper()
	var err error
	nstest.Await(t, "the end of Run", func() bool {
		select {
		case err = <-r.ended:
			return true
		default:
			return false
		}
	})
	r.AwaitRestored()
	return err
}

// resize tells this process of the new size, whose terminal it is not.
func (r *running) resize(t *testing.T, columns, rows int) {
	t.Helper()
	r.Resize(columns, rows)
	if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
		t.Fatal(err)
	}
}

func TestRunUntilTheUserQuits(t *testing.T) {
	for _, key := range []string{"q", "\x03"} {
		r := run(t, &fake{status: attacked()}, 80, 24)
		r.Await(" ATTACK  1 of 2 SHADOW  on web: connection-flood", "▶ web")
		r.Type("j")
		r.Await("▶ mail", "── mail")
		r.resize(t, 60, 15)
		r.AwaitGone("LIMITED", "pid 4711")
		r.Await("▶ mail")
		r.resize(t, 100, 30)
		r.Await("SYN/S LIMITED BLOCKED", "pid 4711")
		r.Type(key)
		if err := r.end(t); err != nil {
			t.Errorf("after %q: %v", key, err)
		}
		if strings.Contains(r.Written(), "\x1b]1") {
			t.Errorf("the terminal is asked for its colours: %q", r.Written())
		}
	}
}

func TestRunUntilItsContextEnds(t *testing.T) {
	r := run(t, &fake{status: peaceful()}, 80, 24)
	r.Await("PEACE")
	r.cancel()
	if err := r.end(t); err != nil {
		t.Error(err)
	}
}

// panics is a daemon whose questions end badly.
type panics struct{ *fake }

func (panics) Status(context.Context) (*control.Status, error) { panic("a defect") }

// TestRunSurvivesItsOwnDefects runs itself as a program, for what a panic leaves in a process is not tidied up.
func TestRunSurvivesItsOwnDefects(t *testing.T) {
	const defective, status = "EBBGATE_TOP_DEFECTIVE", 7
	if os.Getenv(defective) != "" {
		m := New(Config{Daemon: panics{&fake{}}, Now: time.Now, Every: Shortest})
		if err := Run(context.Background(), m, os.Stdin, os.Stdout); errors.Is(err, tea.ErrProgramPanic) {
			os.Exit(status)
		}
		os.Exit(0)
	}
	s := screen.New(t, 200, 200) // a stack fits
	p := s.Start(exec.Command(os.Args[0], "-test.run=^TestRunSurvivesItsOwnDefects$"), defective+"=1")
	if got := p.Wait(); got != status {
		t.Errorf("exit status %d, want %d, for a panic:\n%s", got, status, s.Text())
	}
	s.AwaitRestored()
	if !strings.Contains(s.Written(), "\x1b[?1049h") {
		t.Error("the view was never on the terminal")
	}
}

// TestRedrawsOnlyWhatChanged: a picture like the last writes nothing, and nothing ever clears the window.
func TestRedrawsOnlyWhatChanged(t *testing.T) {
	d := &fake{status: attacked()}
	r := run(t, d, 80, 24)
	r.Await("▶ web")
	r.Type("j")
	r.Await("▶ mail", "192.0.2.33")
	before := len(r.Written())
	r.Type("k")
	r.Await("▶ web", "198.51.100.1")
	changed := r.Written()[before:]
	for _, clear := range []string{"\x1b[2J", "\x1b[J", "\x1b[0J"} {
		if strings.Contains(changed, clear) {
			t.Errorf("the window is cleared: %q", changed)
		}
	}
	if strings.Contains(changed, "conntrack") {
		t.Errorf("the header is drawn again: %q", changed)
	}
	r.Type("q")
	if err := r.end(t); err != nil {
		t.Error(err)
	}
}
