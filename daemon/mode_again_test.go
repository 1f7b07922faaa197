package daemon

import (
	"strings"
	"testing"
	"time"

	"ebbgate/history"
	"ebbgate/policy"
	"ebbgate/recording"
)

// TestModesAfterAStart: what passes traffic holds again; what enforces does so until its time, under the policy file
// it was set under.
func TestModesAfterAStart(t *testing.T) {
	const changed = "# another file\n" + enforcing
	hand := func(service string, m policy.Mode, left time.Duration) policy.HandMode {
		h := policy.HandMode{Service: service, Mode: m}
		if left != 0 {
			h.Until = policy.Instant(left)
		}
		return h
	}
	for name, c := range map[string]struct {
		modes []policy.HandMode
		ended bool   // in order
		file  string // at the start
		want  string
		says  string // empty: nothing
	}{
		"enforce, for a time":               {[]policy.HandMode{hand("mail", policy.Enforce, time.Minute)}, true, enforcing, "web enforce, mail enforce", "for another 1m"},
		"enforce, another file":             {[]policy.HandMode{hand("mail", policy.Enforce, time.Minute)}, true, changed, "web enforce, mail shadow", "does not outlast a change of the policy file"},
		"enforce, killed":                   {[]policy.HandMode{hand("mail", policy.Enforce, 0)}, false, enforcing, "web enforce, mail shadow", "ended as ebbgate was started again: "},
		"shadow, for a time":                {[]policy.HandMode{hand("web", policy.Shadow, time.Minute)}, true, changed, "web shadow, mail shadow", "for another 1m"},
		"shadow, killed":                    {[]policy.HandMode{hand("web", policy.Shadow, 0)}, false, changed, "web shadow, mail shadow", "which nobody asked for"},
		"shadow, ended in order":            {[]policy.HandMode{hand("web", policy.Shadow, 0)}, true, enforcing, "web enforce, mail shadow", ""},
		"shadow, as the policy says by now": {[]policy.HandMode{hand("mail", policy.Shadow, 0)}, false, enforcing, "web enforce, mail shadow", ""},
		"one under the other":               {[]policy.HandMode{hand("web", policy.Shadow, 0), hand("web", policy.Enforce, time.Minute)}, false, changed, "web shadow, mail shadow", "which nobody asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.write(c.file)
				for i := range c.modes {
					if c.modes[i].Until != 0 {
						c.modes[i].Until += w.clock.now()
					}
				}
				k := &fakeKeeper{}
				w.keeper, w.restored = k, history.Restored{Kept: policy.Kept{Saved: policy.Moment{Boot: "boot one", At: w.clock.now(), Wall: time.Now().UnixNano()},
					Modes: c.modes, Policy: recording.HashPolicy([]byte(enforcing)), Ended: c.ended}}
				w.start()
				if got := w.services(); got != c.want {
					t.Errorf("services %s, want %s", got, c.want)
				}
				lines := w.log.lines("mode-changed")
				if c.says == "" && len(lines) != 0 || c.says != "" && (len(lines) != 1 || !strings.Contains(lines[0], c.says)) {
					t.Errorf("log %q, want %q", lines, c.says)
				}
				if k.kept.Ended || k.kept.Policy != recording.HashPolicy([]byte(c.file)) {
					t.Errorf("while it runs, kept: ended %t, policy %s", k.kept.Ended, k.kept.Policy)
				}
				w.stop()
				if !k.kept.Ended {
					t.Error("it came to its end in order, and that is not kept")
				}
			})
		})
	}
}
