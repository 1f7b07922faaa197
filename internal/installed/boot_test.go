package installed

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"ebbgate/internal/nspawn"
	"ebbgate/internal/nstest"
)

// TestBootOrder boots machines on which the package was installed while they were switched off, as it is in
// an image: the service is ready before the network may be set up, and one that cannot start keeps nobody
// waiting.
func TestBootOrder(t *testing.T) {
	t.Parallel()
	for _, suite := range []nspawn.Suite{nspawn.Bookworm, nspawn.Trixie} {
		for _, tt := range []struct {
			name, policy, state, active, job string
		}{
			{"good policy", enforcing(perSource), "running", "active", "done"},
			{"bad policy", "mode = \"neither\"\n", "degraded", "failed", "failed"},
			{"start that fails", unstartable(), "running", "activating", "failed"},
		} {
			t.Run(string(suite)+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				h := &host{Machine: nspawn.New(t, suite, nstest.Lab(t).Victim)}
				from := deb(t, older)
				h.Put(t, from, "/"+filepath.Base(from), 0o644)
				h.Run(t, "dpkg", "--install", "/"+filepath.Base(from))
				h.policy(t, tt.policy)
				if state := h.Boot(t); state != tt.state {
					t.Errorf("the machine is %s, want %s", state, tt.state)
				}
				h.wants(t, map[string]string{"UnitFileState": "enabled"})
				// What is started again and again is something else for moments.
				nstest.Until(t, patience, "the service is "+tt.active, func() error {
					if state := h.property(t, "ActiveState"); state != tt.active {
						return errors.New(state)
					}
					return nil
				})
				h.ordered(t, tt.job)
			})
		}
	}
}

// ordered checks that the machine went on to the network when the first attempt to start the daemon was over,
// which ended so, and that it went on.
func (h *host) ordered(t *testing.T, result string) {
	t.Helper()
	// Both are told by process 1, so they are in the journal in the order in which they happened.
	h.Run(t, "journalctl", "--sync")
	var jobs []string
	for line := range strings.Lines(h.Run(t, "journalctl", "--quiet", "--boot", "--output=json", "_PID=1", "JOB_TYPE=start")) {
		var job struct{ UNIT, JOB_RESULT string }
		if err := json.Unmarshal([]byte(line), &job); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if job.JOB_RESULT != "" { // else it has begun
			jobs = append(jobs, job.UNIT+" "+job.JOB_RESULT)
		}
	}
	all := strings.Join(jobs, "\n") + "\n"
	before, _, reached := strings.Cut(all, "network-pre.target done\n")
	if !reached || strings.Count(before, "ebbgate.service ") != 1 || !strings.Contains(before, "ebbgate.service "+result+"\n") {
		t.Errorf("the daemon's start is to be %s before network-pre.target is reached; systemd did\n%s", result, all)
	}
	if got := h.Run(t, "systemctl", "is-active", "multi-user.target"); got != "active\n" {
		t.Errorf("multi-user.target is %s", got)
	}
	if journal := h.Run(t, "journalctl", "--boot", "--output=cat", "_PID=1"); strings.Contains(journal, "ordering cycle") {
		t.Errorf("systemd found a cycle:\n%s", journal)
	}
}
