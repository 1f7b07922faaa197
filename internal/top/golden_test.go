package top

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"ebbgate/control"
	"ebbgate/policy"
)

var update = flag.Bool("update", false, "rewrite the goldens: right when a picture was to change and has been looked at")

// busy is a rig with a minute of history that rises.
func busy(t *testing.T, s *control.Status, width, height int, change ...func(*Config)) *rig {
	t.Helper()
	r := newRig(t, s, width, height, change...)
	for i := range 60 {
		next := *s
		next.At = control.TimeOf(s.At.Add(time.Duration(i-60) * time.Second))
		next.Kernel.OpensPerS = s.Kernel.OpensPerS * control.Rate(i+20) / 80
		next.Services = append([]control.Service(nil), s.Services...)
		for j := range next.Services {
			svc := &next.Services[j]
			svc.Held = svc.Held * (i + 60) / 120
			if svc.Endings != nil {
				e := *svc.Endings
				e.PerS *= control.Rate(i%20) / 20
				svc.Endings = &e
			}
			if svc.SYNs != nil {
				m := *svc.SYNs
				m.PerS *= control.Rate(i) / 60
				svc.SYNs = &m
			}
		}
		r.history.add(&next)
	}
	r.now = s.At.Time
	r.daemon.status = s
	r.turn = 0
	r.history.at = control.Time{}
	r.now = s.At.Add(-r.every)
	r.round()
	return r
}

var sizes = [][2]int{{80, 24}, {100, 30}, {160, 50}, {60, 15}, {40, 8}}

func TestGoldenPictures(t *testing.T) {
	for name, s := range map[string]*control.Status{"peace": peaceful(), "attack": attacked(), "degraded": broken(), "crowded": crowded(), "long": long(), "six": six(), "empty": empty()} {
		for _, size := range sizes {
			r := busy(t, s, size[0], size[1])
			golden(t, fmt.Sprintf("%s_%dx%d", name, size[0], size[1]), r)
		}
	}
}

// TestGoldenPanes has the other panes and what is shown over them, in an attack.
func TestGoldenPanes(t *testing.T) {
	for name, keys := range map[string][]string{
		"sources": {"2"}, "attacks": {"3"}, "inforce": {"4"}, "help": {"?"}, "why": {"2", "w"}, "story": {"3", "enter"},
		"block": {"2", "j", "b"}, "mode": {"m"}, "filter": {"2", "/", "2", "0", "3"}, "nothing": {"4", "/", "z", "z", "enter"},
	} {
		for _, size := range sizes[:4] {
			r := busy(t, attacked(), size[0], size[1])
			for _, k := range keys {
				r.press(k)
				if !r.filtering {
					r.now = r.now.Add(-r.every)
					r.round()
				}
			}
			golden(t, fmt.Sprintf("pane_%s_%dx%d", name, size[0], size[1]), r)
		}
	}
}

// TestGoldenByHand has a source that is blocked by hand: nothing was measured, and who blocked it said why.
func TestGoldenByHand(t *testing.T) {
	s := attacked()
	b := &s.Services[1].Blocks[0]
	b.Rule, b.Measured, b.Threshold, b.Strikes, b.Reason = policy.RuleByHand, 0, 0, 0, "scraper, ticket 4711"
	for name, key := range map[string]string{"sources": "2", "inforce": "4"} {
		r := busy(t, s, 160, 50)
		r.press(key)
		r.now = r.now.Add(-r.every)
		r.round()
		golden(t, "byhand_"+name+"_160x50", r)
	}
}

// golden compares the screen with its file, and checks that it fills the window and no more.
func golden(t *testing.T, name string, r *rig) {
	t.Helper()
	view := r.View()
	lines := strings.Split(view, "\n")
	if len(lines) != r.height {
		t.Errorf("%s: %d lines, want %d", name, len(lines), r.height)
	}
	for _, line := range lines {
		if n := ansi.StringWidth(line); n > r.width {
			t.Errorf("%s: %d columns, want at most %d: %q", name, n, r.width, line)
		}
	}
	var b strings.Builder
	for line := range strings.Lines(ansi.Strip(view) + "\n") {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s: -want +got, -update rewrites it:\n%s", name, diff)
	}
}
