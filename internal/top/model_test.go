package top

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"ebbgate/control"
)

// TestUnreachable keeps the last picture, dimmed, says since when, and comes back by itself.
func TestUnreachable(t *testing.T) {
	r := newRig(t, attacked(), 80, 24)
	since := r.now.Add(time.Second).UTC().Format("15:04:05")
	r.daemon.err = errGone
	for range 12 {
		r.round()
	}
	r.shows("NO ANSWER since "+since+", for 11s, trying again: reach ebbgate at", "web            enforce ATTACK")
	dimmed := r.View()
	if !strings.Contains(dimmed, r.look.subtle.Render(r.look.fit("  mail", 8, false))[:4]) || strings.Contains(dimmed, r.look.alarm.Render("ATTACK")) {
		t.Errorf("the old picture is not dimmed:\n%q", dimmed)
	}
	r.daemon.err = nil
	r.round()
	r.hides("NO ANSWER")
}

func TestBeforeTheFirstPicture(t *testing.T) {
	daemon := &fake{err: &control.Error{Kind: control.KindStarting, Message: "the daemon is starting"}}
	now := night(3, 0, 0).Time
	r := &rig{t: t, daemon: daemon, now: now, Model: New(Config{Daemon: daemon, Now: func() time.Time { return now }, Every: time.Second})}
	if r.View() != "" {
		t.Error("something is drawn before the size is known")
	}
	r.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	r.shows("asking the daemon ...")
	r.press("j", "enter", "w", "b", "m", "u", "e", "2", "G", "s", "/", "x", "esc", "3", "enter", "4", "1")
	r.round()
	r.shows("no picture yet", "the daemon is starting")
	daemon.err, daemon.status = nil, peaceful()
	r.round()
	r.shows("PEACE")
}

// TestOldPicture tells of a daemon that answers while its loop stands still.
func TestOldPicture(t *testing.T) {
	r := newRig(t, peaceful(), 80, 24)
	r.hides("stands still")
	for range 12 {
		r.round()
	}
	r.shows("this picture is 14s old: the daemon answers but its loop stands still")
}

// TestOlderDaemon has no answer about sources.
func TestOlderDaemon(t *testing.T) {
	r := newRig(t, attacked(), 80, 30)
	r.daemon.sourcesErr = &control.Error{Kind: control.KindNotFound, Message: "there is no such path"}
	r.round()
	r.shows("sources: this daemon is older than ebbgate top and cannot say", "web            enforce ATTACK")
	r.press("2")
	r.shows("sources: this daemon is older than ebbgate top and cannot say")
}

func TestOneQuestionAtATime(t *testing.T) {
	r := newRig(t, attacked(), 80, 24)
	_, cmd := r.Update(tick(r.turn))
	if cmd == nil {
		t.Fatal("nothing is asked")
	}
	for _, msg := range []tea.Msg{tick(r.turn), keyNamed("j"), keyNamed("s")} {
		if _, again := r.Update(msg); again != nil {
			t.Errorf("%v: something is done while the daemon is asked", msg)
		}
	}
	turn := r.turn
	r.Update(cmd())
	if r.turn != turn+1 || r.asking {
		t.Error("the next round is not scheduled")
	}
	if _, stale := r.Update(tick(turn)); stale != nil {
		t.Error("a schedule that is void was followed")
	}
}

// TestNotAnsweredYet: that nothing is known yet is not that there is nothing.
func TestNotAnsweredYet(t *testing.T) {
	r := newRig(t, attacked(), 80, 24)
	r.press("3")
	r.shows("asking the daemon ...")
	r.hides("no attack since")
	r.press("1", "j")
	r.shows("── mail", "asking the daemon ...")
	r.hides("no source of it")
	r.round()
	r.shows("192.0.2.33")
	r.hides("asking the daemon")
}

func TestEveryIsBounded(t *testing.T) {
	for every, want := range map[time.Duration]time.Duration{0: Shortest, time.Second: time.Second, time.Hour: Longest} {
		if got := New(Config{Every: every}).every; got != want {
			t.Errorf("every %s: got %s, want %s", every, got, want)
		}
	}
}

func TestResize(t *testing.T) {
	r := newRig(t, crowded(), 160, 50)
	r.press("G")
	for width := 1; width <= 200; width += 17 {
		for height := 1; height <= 60; height += 8 {
			r.send(tea.WindowSizeMsg{Width: width, Height: height})
			for range panes {
				r.press("tab")
				lines := strings.Split(r.View(), "\n")
				if len(lines) != height {
					t.Fatalf("%dx%d: %d lines:\n%s", width, height, len(lines), r.screen())
				}
				for _, line := range lines {
					if n := ansi.StringWidth(line); n > width {
						t.Fatalf("%dx%d: %d columns: %q", width, height, n, line)
					}
				}
			}
		}
	}
}

// TestWithoutColor says the same without colours, and has none.
func TestWithoutColor(t *testing.T) {
	for _, s := range []*control.Status{peaceful(), attacked(), broken(), nasty()} {
		for _, keys := range [][]string{nil, {"2"}, {"4"}, {"?"}} {
			plain, colored := newRig(t, s, 100, 30), newRig(t, s, 100, 30, func(c *Config) { c.Color = true })
			plain.press(keys...)
			colored.press(keys...)
			if plain.screen() != colored.screen() {
				t.Errorf("colour says something that words do not:\n%s\n%s", plain.screen(), colored.screen())
			}
			if !strings.Contains(colored.View(), ";4") { // a background
				t.Errorf("no colour: %q", colored.View())
			}
			for _, part := range strings.Split(plain.View(), "\x1b[")[1:] {
				for _, p := range strings.Split(part[:strings.IndexByte(part, 'm')], ";") {
					if len(p) > 1 {
						t.Errorf("parameter %s of SGR without colour", p)
					}
				}
			}
		}
	}
}

func TestASCII(t *testing.T) {
	for _, s := range []*control.Status{attacked(), crowded(), long()} {
		for _, keys := range [][]string{nil, {"2"}, {"4", "b"}, {"?"}} {
			r := newRig(t, s, 80, 24, func(c *Config) { c.ASCII = true })
			r.press(keys...)
			for _, c := range r.screen() {
				if c > '~' {
					t.Fatalf("%q is not ASCII:\n%s", c, r.screen())
				}
			}
		}
	}
}

// TestStrangersWordsAreEscapedOnce looks for control characters of others on every pane.
func TestStrangersWordsAreEscapedOnce(t *testing.T) {
	s := nasty()
	r := newRig(t, s, 300, 60)
	for _, keys := range [][]string{{"1"}, {"2"}, {"3"}, {"4"}, {"1", "m"}, {"4", "b", "a"}, {"4", "b", "a", "y"}, {"3", "enter"}, {"?"}, {"1", "enter"}} {
		r.order, r.page = nil, nil
		for _, k := range keys {
			r.press(k)
			if r.order == nil {
				r.round()
			}
		}
		screen := r.screen()
		for _, c := range strings.ReplaceAll(screen, "\n", "") {
			if control.Escape(string(c)) != string(c) {
				t.Errorf("%q: %q is on the screen:\n%s", keys, c, screen)
			}
		}
		if strings.Contains(screen, `\\x1b`) || keys[0] != "?" && !strings.Contains(screen, `\x1b]0;owned\x07`) {
			t.Errorf("%q: not escaped once:\n%s", keys, screen)
		}
	}
}

func TestNothingAndManyFaults(t *testing.T) {
	s := peaceful()
	s.State = control.StateDegraded
	for i := range 9 {
		s.Faults = append(s.Faults, control.Fault{Part: fmt.Sprint("part", i), Text: "broken", Since: s.At})
	}
	r := newRig(t, s, 80, 24)
	r.shows("DEGRADED", "!! part2: broken", "!! and 6 more faults: ebbgate status")
	r.hides("part3")
	r = newRig(t, empty(), 80, 24)
	for pane, text := range map[string]string{"1": "no service is watched", "2": "no source holds a connection", "4": "nobody is limited"} {
		r.press(pane)
		r.round()
		r.shows(text)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	var h history
	for i := range samples + 9 {
		s := crowded()
		s.At = control.TimeOf(s.At.Add(time.Duration(i) * time.Second))
		h.add(s)
	}
	if n := len(h.of("web").held); n != samples || len(h.opens) != samples {
		t.Errorf("%d samples, want %d", n, samples)
	}
	many := crowded()
	many.At = control.Time{}
	for i := range 2 * mostRemembered {
		many.Services = append(many.Services, control.Service{Name: fmt.Sprint("s", i)})
	}
	if h.add(many); len(h.services) != mostRemembered {
		t.Errorf("%d services, want %d", len(h.services), mostRemembered)
	}
	h.add(attacked())
	if len(h.services) != 2 {
		t.Errorf("%d services, want those of the newest picture", len(h.services))
	}
	before := len(h.of("mail").held)
	h.add(attacked())
	if n := len(h.of("mail").held); n != before {
		t.Error("one picture is remembered twice")
	}
	h.gap()
	if held := h.of("mail").held; !math.IsNaN(held[len(held)-1]) || len(h.of("nobody").held) != 0 {
		t.Errorf("the gap is %v", held)
	}
}
