package e2e

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/internal/screen"
)

// top starts the live view on a terminal.
func (s *stage) top(columns, rows int) (*screen.Screen, *screen.Program) {
	s.t.Helper()
	term := screen.New(s.t, columns, rows)
	return term, term.Start(command("top", "--socket", s.socket(), "--every", "250ms"))
}

// TestTopDuringAttack looks at an attack as an operator does: what is it, who, why, and frees one of them.
func TestTopDuringAttack(t *testing.T) {
	s, _, _, d := attacked(t)
	term, p := s.top(80, 24)
	term.Await(" ATTACK ", "on shop: connection-flood", "8 sources limited", "▶ shop", "ebbgate is refusing new connections")
	first := lab.AttackRange().IPv4(8)[0].String()
	term.Type("4")
	term.Await("[4 In force]", "refuse", first)
	term.Type("/" + first + "\r")
	term.Await("find: "+first, "▶ refuse")
	term.Type("w")
	term.Await("Why "+first, "REFUSED: new connections are turned away now")
	term.Type("\x1b")
	term.AwaitGone("Why " + first)
	term.Type("e")
	term.Await("EXEMPT "+first+" at all services for 1d00h?", "y yes")
	term.Type("n")
	term.Await("nothing was changed")
	if exempt := d.status().Exempt; len(exempt) > 0 {
		t.Fatalf("exempt without a yes: %+v", exempt)
	}
	term.Type("e")
	term.Await("y yes")
	term.Type("ty")
	term.Await(first + " is exempt at all services for 7d00h")
	d.awaitStatus("the operator's exemption", func(st *control.Status) error {
		if len(st.Exempt) != 1 || st.Exempt[0].Prefix.Addr().String() != first || st.Exempt[0].Reason != "by ebbgate top" {
			return fmt.Errorf("exempt: %+v", st.Exempt)
		}
		return nil
	})
	term.Type("k")
	term.Await("▶ exempt")
	s.blockFrom(term, d, lab.AttackRange().IPv4(8)[1].String())
	term.Resize(160, 40)
	term.Type("k")
	term.Await("HALF   SYNS STRIKES WHY", "p pause  m mode")
	term.Type("q")
	if status := p.Wait(); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
	term.AwaitRestored()
}

// blockFrom finds a source among all, blocks it, and frees it again.
func (s *stage) blockFrom(term *screen.Screen, d *daemon, addr string) {
	s.t.Helper()
	term.Type("2")
	term.Await("[2 Sources]", addr)
	term.Type("/" + addr + "\r")
	term.Await("find: "+addr, "▶ "+addr)
	term.Type("bt")
	term.Await("BLOCK "+addr+" at all services for 1h00m?", "y yes")
	term.Type("y")
	term.Await(addr+" is blocked at all services for 1h00m", "blocked")
	d.awaitStatus("the block", func(st *control.Status) error {
		for _, b := range st.Services[0].Blocks {
			if b.Source.Addr().String() == addr {
				return nil
			}
		}
		return fmt.Errorf("blocks %+v", st.Services[0].Blocks)
	})
	term.Type("u")
	term.Await("UNBLOCK "+addr, "y yes")
	term.Type("y")
	term.Await(addr + " is free at all services")
	d.awaitStatus("no block", func(st *control.Status) error {
		if n := st.Services[0].BlocksTotal; n > 0 {
			return fmt.Errorf("%d blocks", n)
		}
		return nil
	})
}

// TestTopOutlivesTheDaemon keeps the last picture while no daemon answers, and goes on with the next one.
func TestTopOutlivesTheDaemon(t *testing.T) {
	s := newStage(t)
	s.server(everywhere(), capacity)
	d := s.daemon(policyFile{})
	term, p := s.top(80, 24)
	term.Await(" PEACE ", "▶ shop", fmt.Sprint("pid ", d.cmd.Process.Pid))
	d.signal(syscall.SIGTERM)
	d.wait()
	term.Await("NO ANSWER since", "trying again", "▶ shop")
	next := s.start(command("run", "--config", s.config()))
	term.AwaitGone("NO ANSWER")
	term.Await(fmt.Sprint("pid ", next.cmd.Process.Pid))
	p.Signal(syscall.SIGTERM)
	if status := p.Wait(); status != 0 {
		t.Errorf("after SIGTERM: exit status %d, want 0", status)
	}
	term.AwaitRestored()
}

// TestTopIsSuspendedAndEnded: the shell gets a terminal it can use, whatever ends the view for a time or for
// good.
func TestTopIsSuspendedAndEnded(t *testing.T) {
	s := newStage(t)
	s.daemon(policyFile{})
	term, p := s.top(80, 24)
	term.Await(" PEACE ")
	term.Type("\x1a")
	term.AwaitRestored()
	p.Signal(syscall.SIGCONT)
	term.Await(" PEACE ", "▶ shop")
	for _, end := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT} {
		p.Signal(end)
		if status := p.Wait(); status != 0 {
			t.Errorf("after %s: exit status %d, want 0", end, status)
		}
		term.AwaitRestored()
		term, p = s.top(80, 24)
		term.Await(" PEACE ")
	}
	term.Type("\x03")
	if status := p.Wait(); status != 0 {
		t.Errorf("after ctrl-c: exit status %d, want 0", status)
	}
	term.AwaitRestored()
}

// TestTopRefusals says on a terminal what keeps the view from being shown, and touches nothing there.
func TestTopRefusals(t *testing.T) {
	s := newStage(t)
	for _, tt := range []struct {
		env    string
		status int
		want   string
	}{
		{"TERM=dumb", 2, `TERM="dumb"; ebbgate status and ebbgate sources`},
		{"TERM=", 2, `TERM=""; ebbgate status and ebbgate sources`},
		{"TERM=xterm", 3, "is it running? (systemctl status ebbgate)"},
	} {
		term := screen.New(t, 200, 10)
		p := term.Start(command("top", "--socket", s.socket()), tt.env)
		if status := p.Wait(); status != tt.status {
			t.Errorf("%s: exit status %d, want %d", tt.env, status, tt.status)
		}
		term.Await(tt.want)
		if err := errors.Join(term.Restored(), silent(term)); err != nil {
			t.Errorf("%s: %v", tt.env, err)
		}
	}
}

// TestNoCommandAsksTheTerminal: the library of the live view asks for the background colour when it is loaded,
// which is in every command, unless it is kept from that.
func TestNoCommandAsksTheTerminal(t *testing.T) {
	term := screen.New(t, 100, 30)
	if status := term.Start(command("version")).Wait(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	term.Await("ebbgate")
	if err := errors.Join(term.Restored(), silent(term)); err != nil {
		t.Error(err)
	}
}

// silent reports control sequences that were written to a terminal.
func silent(term *screen.Screen) error {
	if w := term.Written(); strings.Contains(w, "\x1b") {
		return fmt.Errorf("the terminal was sent %q", w)
	}
	return nil
}
