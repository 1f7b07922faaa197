package e2e

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestRestartLimitsAgain stops the daemon in the middle of an attack, as a service manager does,
// and starts it anew.
func TestRestartLimitsAgain(t *testing.T) {
	s, server, flood, d := attacked(t)
	d.signal(syscall.SIGTERM)
	if state := d.wait(); state.ExitCode() != 0 {
		t.Errorf("the daemon ended with %v", state)
	}
	if rules := s.rules(); rules != "" {
		t.Errorf("rules are left:\n%s", rules)
	}
	for _, path := range []string{s.socket(), s.socket() + ".lock"} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left (%v)", path, err)
		}
	}
	await(t, soon, "the attackers pass", moreThan(perSource+50, server))

	d = s.daemon(policyFile{})
	took := s.awaitTable(true).Seen.Sub(d.started)
	t.Logf("limited again %v after start (goal: under 1s)", took.Round(time.Millisecond))
	if took > patience*time.Second {
		t.Errorf("limiting again took %v", took)
	}
	s.awaitLimited(perSource, server, flood)
	d.awaitStatus("all sources are limited", limiting(8))
}
