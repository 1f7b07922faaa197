package installed

import (
	"testing"

	"ebbgate/internal/nspawn"
)

// TestInstalled is the life of an installation, from apt install to apt purge, on the oldest systemd that
// is served and on the newest: each step goes on where the one before has left the machine.
//
// It runs beside no other machine than its own two: how many requests are served is counted.
func TestInstalled(t *testing.T) {
	for _, suite := range []nspawn.Suite{nspawn.Bookworm, nspawn.Trixie} {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			h := newHost(t, suite)
			for _, step := range []struct {
				name string
				do   func(*testing.T)
			}{
				{"install", h.install},
				{"unit", h.unit},
				{"sandbox", h.sandbox},
				{"enforce", h.enforce},
				{"attack", h.attack},
				{"what it tells", h.tells},
				{"who may what", h.access},
				{"a bad policy", h.badPolicy},
				{"SIGHUP", h.hangup},
				{"upgrade", h.upgrade},
				{"upgrade with a bad policy", h.upgradeRefused},
				{"killed", h.killed},
				{"restart", h.restart},
				{"systemd starts anew", h.reexecuted},
				{"rules flushed", h.flushed},
				{"stopped by a signal", h.frozen},
				{"journal", h.journal},
				{"no journal", h.mute},
				{"start that fails", h.neverStarts},
				{"policy that cannot be read", h.unreadable},
				{"peace", h.peace},
				{"slow application", h.slow},
				{"stop", h.stop},
				{"remove", h.remove},
				{"purge", h.purge},
			} {
				if !t.Run(step.name, step.do) {
					t.Fatalf("%s failed: what follows would say nothing", step.name)
				}
			}
		})
	}
}
