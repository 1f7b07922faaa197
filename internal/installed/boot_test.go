package installed

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ebbgate/internal/nspawn"
	"ebbgate/internal/nstest"
)

// TestBootOrder boots machines on which the package was installed while they were switched off, as it is in
// an image: the service is ready before the network may be set up, and a bad policy keeps nobody waiting.
func TestBootOrder(t *testing.T) {
	for _, suite := range []nspawn.Suite{nspawn.Bookworm, nspawn.Trixie} {
		for _, tt := range []struct {
			name, policy, state, active string
		}{
			{"good policy", enforcing(perSource), "running", "active"},
			{"bad policy", "mode = \"neither\"\n", "degraded", "failed"},
		} {
			t.Run(string(suite)+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				h := &host{Machine: nspawn.New(t, suite, nstest.Lab(t).Victim)}
				h.Put(t, deb(older), "/"+filepath.Base(deb(older)), 0o644)
				h.Run(t, "dpkg", "--install", "/"+filepath.Base(deb(older)))
				h.policy(t, tt.policy)
				if state := h.Boot(t); state != tt.state {
					t.Errorf("the machine is %s, want %s", state, tt.state)
				}
				h.wants(t, map[string]string{"UnitFileState": "enabled", "ActiveState": tt.active})
				h.ordered(t, tt.active == "active")
			})
		}
	}
}

// ordered checks that the machine went on to the network after the daemon was ready, or had failed.
func (h *host) ordered(t *testing.T, ready bool) {
	t.Helper()
	moment := func(unit, property string) int {
		text := strings.TrimSpace(h.Run(t, "systemctl", "show", "--property="+property, "--value", unit))
		at, err := strconv.Atoi(text)
		if err != nil || at == 0 {
			t.Errorf("%s of %s is %q", property, unit, text)
		}
		return at
	}
	done := "InactiveEnterTimestampMonotonic"
	if ready {
		done = "ActiveEnterTimestampMonotonic"
	}
	daemon, network := moment("ebbgate.service", done), moment("network-pre.target", "ActiveEnterTimestampMonotonic")
	if daemon > network {
		t.Errorf("the daemon was done %d µs after network-pre.target was reached", daemon-network)
	}
	if got := h.Run(t, "systemctl", "is-active", "multi-user.target"); got != "active\n" {
		t.Errorf("multi-user.target is %s", got)
	}
	if journal := h.Run(t, "journalctl", "--boot", "--output=cat", "_PID=1"); strings.Contains(journal, "ordering cycle") {
		t.Errorf("systemd found a cycle:\n%s", journal)
	}
}
