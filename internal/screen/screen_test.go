package screen

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestProgramOnATerminal(t *testing.T) {
	s := New(t, 40, 10)
	p := s.Start(exec.Command("sh", "-c", `stty size; read x; echo "<$x>"; read y; stty size; exit 3`))
	s.Await(Prompt, "10 40")
	s.Type("typed\r")
	s.Await("<typed>")
	s.Resize(50, 12)
	s.Type("\r")
	if status := p.Wait(); status != 3 {
		t.Errorf("exit status %d, want 3", status)
	}
	s.Await("12 50")
	s.AwaitRestored()
	if !strings.Contains(s.Written(), "<typed>") {
		t.Errorf("written: %q", s.Written())
	}
}

// TestWhatIsLeftBehindIsSeen: every trace of a program that does not tidy up.
func TestWhatIsLeftBehindIsSeen(t *testing.T) {
	for script, want := range map[string]string{
		`printf '\033[?1049h.'`:      "alternate screen",
		`printf '\033[?25l.'`:        "cursor is hidden",
		`printf '\033[?1003h.'`:      "modes",
		`printf '\033[?2004h.'`:      "bracketed",
		`printf '\033[2J\033[Hgone'`: "what was on the screen is gone",
		`stty -echo; printf '.'`:     "line discipline",
	} {
		s := New(t, 40, 10)
		if status := s.Start(exec.Command("sh", "-c", script+"; printf '~end'")).Wait(); status != 0 {
			t.Fatalf("%s: exit status %d", script, status)
		}
		s.Await("~end")
		if err := s.Restored(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", script, err, want)
		}
	}
}

func TestSignal(t *testing.T) {
	s := New(t, 40, 10)
	p := s.Start(exec.Command("sh", "-c", `trap 'exit 5' TERM; echo up; while :; do read x; done`))
	s.Await("up")
	p.Signal(syscall.SIGTERM)
	s.Type("\r")
	if status := p.Wait(); status != 5 || p.PID() <= 0 {
		t.Errorf("exit status %d, want 5", status)
	}
}
