package screen

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

// patience is how long something may take to be seen on a busy machine.
const patience = 20 * time.Second

// mostKept bounds what is kept of the bytes a program wrote.
const mostKept = 4 << 20

// Prompt stands on the main screen before a program begins, and must stand there again when it ends.
const Prompt = "root@host:~# "

// Screen is a terminal with a picture of what was written to it.
type Screen struct {
	tb     testing.TB
	master *os.File
	tty    *os.File
	before unix.Termios

	mu      sync.Mutex
	vt      vt10x.Terminal
	written []byte
	resized bool
}

// New returns a terminal of so many columns and rows, closed at the end of the test.
func New(tb testing.TB, columns, rows int) *Screen {
	tb.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		tb.Fatalf("open a pseudo terminal: %v", err)
	}
	s := &Screen{tb: tb, master: master, tty: tty, vt: vt10x.New(vt10x.WithSize(columns, rows), vt10x.WithWriter(master))}
	s.before = s.termios()
	s.setSize(columns, rows)
	if _, err := s.vt.Write([]byte(Prompt)); err != nil {
		tb.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		s.follow()
	}()
	tb.Cleanup(func() {
		_ = tty.Close()
		_ = master.Close()
		<-read
	})
	return s
}

// follow draws what is written until the terminal is closed.
func (s *Screen) follow() {
	b := make([]byte, 32<<10)
	for {
		n, err := s.master.Read(b)
		if n > 0 {
			s.mu.Lock()
			s.written = append(s.written, b[:min(n, mostKept-len(s.written))]...)
			_, _ = s.vt.Write(b[:n]) // an emulator refuses nothing
			s.mu.Unlock()
		}
		if err != nil {
			return // closed, or a hang-up
		}
	}
}

// TTY is the program's end of the terminal.
func (s *Screen) TTY() *os.File { return s.tty }

// Start runs a command on the terminal, in a session of its own that the terminal controls. It is killed
// at the end of the test if it still runs.
func (s *Screen) Start(cmd *exec.Cmd, env ...string) *Program {
	s.tb.Helper()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.tty, s.tty, s.tty
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty = true, true
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, append([]string{"TERM=xterm-256color", "LC_ALL=C.UTF-8", "NO_COLOR=", "CI="}, env...)...)
	if err := cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	p := &Program{s: s, cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // ProcessState tells the outcome
		close(p.done)
	}()
	s.tb.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-p.done
	})
	return p
}

// Type presses keys.
func (s *Screen) Type(keys string) {
	s.tb.Helper()
	if _, err := io.WriteString(s.master, keys); err != nil {
		s.tb.Fatalf("type %q: %v", keys, err)
	}
}

// Resize gives the window another size, of which the program is told by SIGWINCH.
func (s *Screen) Resize(columns, rows int) {
	s.tb.Helper()
	s.mu.Lock()
	s.vt.Resize(columns, rows)
	s.resized = true
	s.mu.Unlock()
	s.setSize(columns, rows)
}

func (s *Screen) setSize(columns, rows int) {
	s.tb.Helper()
	if err := pty.Setsize(s.master, &pty.Winsize{Rows: uint16(rows), Cols: uint16(columns)}); err != nil {
		s.tb.Fatal(err)
	}
}

// Text is what the screen shows, line by line.
func (s *Screen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.vt.String()
}

// Written is all that was written to the terminal so far.
func (s *Screen) Written() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.written)
}

// Await waits until every text is on the screen.
func (s *Screen) Await(texts ...string) {
	s.tb.Helper()
	s.await(true, texts)
}

// AwaitGone waits until none of the texts is on the screen.
func (s *Screen) AwaitGone(texts ...string) {
	s.tb.Helper()
	s.await(false, texts)
}

func (s *Screen) await(shown bool, texts []string) {
	s.tb.Helper()
	nstest.Until(s.tb, patience, fmt.Sprintf("on the screen (%t): %q", shown, texts), func() error {
		screen := s.Text()
		for _, text := range texts {
			if strings.Contains(screen, text) != shown {
				return fmt.Errorf("%q on the screen: %t:\n%s", text, !shown, screen)
			}
		}
		return nil
	})
}

// Restored says what of the terminal is not as it was before the first program; nil: all is. The cursor
// shows, the main screen with its prompt is back, keys are read line by line and echoed.
func (s *Screen) Restored() error {
	s.mu.Lock()
	mode, cursor, resized := s.vt.Mode(), s.vt.CursorVisible(), s.resized
	s.mu.Unlock()
	var errs []error
	if mode&vt10x.ModeAltScreen != 0 {
		errs = append(errs, errors.New("the alternate screen was not left"))
	}
	if !cursor {
		errs = append(errs, errors.New("the cursor is hidden"))
	}
	if mode&(vt10x.ModeMouseMask|vt10x.ModeFocus|vt10x.ModeAppKeypad|vt10x.ModeAppCursor) != 0 {
		errs = append(errs, fmt.Errorf("modes %b are set", mode))
	}
	if w := s.Written(); strings.LastIndex(w, "\x1b[?2004h") > strings.LastIndex(w, "\x1b[?2004l") {
		errs = append(errs, errors.New("pastes are still bracketed"))
	}
	// The emulator moves the hidden screen by the cursor of the other one when it is resized.
	if !resized && !strings.HasPrefix(s.Text(), Prompt) {
		errs = append(errs, fmt.Errorf("what was on the screen is gone:\n%s", s.Text()))
	}
	if now := s.termios(); now != s.before {
		errs = append(errs, fmt.Errorf("the line discipline is %+v, was %+v", now, s.before))
	}
	return errors.Join(errs...)
}

// AwaitRestored waits until the terminal is as it was.
func (s *Screen) AwaitRestored() {
	s.tb.Helper()
	nstest.Until(s.tb, patience, "the terminal is as it was", s.Restored)
}

func (s *Screen) termios() unix.Termios {
	t, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	if err != nil {
		s.tb.Errorf("read the line discipline: %v", err)
		return unix.Termios{}
	}
	return *t
}
