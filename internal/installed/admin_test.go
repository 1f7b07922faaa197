package installed

import (
	"testing"

	"ebbgate/internal/nspawn"
	"ebbgate/internal/nstest"
)

// TestAdministratorDecides: a service that he has disabled stays so through an upgrade, and his policy and
// the mode of its file through a removal and another installation.
func TestAdministratorDecides(t *testing.T) {
	t.Parallel()
	h := &host{Machine: nspawn.Boot(t, nspawn.Bookworm, nstest.Lab(t).Victim)}
	h.aptInstall(t, older)
	h.policy(t, enforcing(perSource))
	h.Run(t, "chmod", "0600", "/etc/ebbgate/config.toml")
	h.Run(t, "chown", "ebbgate", "/etc/ebbgate/config.toml")
	h.Run(t, "systemctl", "disable", "--now", "ebbgate")
	disabled := map[string]string{"UnitFileState": "disabled", "ActiveState": "inactive"}
	h.wants(t, disabled)
	h.aptInstall(t, newer)
	h.wants(t, disabled)
	h.Run(t, "apt-get", "remove", "--yes", "ebbgate")
	h.aptInstall(t, newer)
	h.wants(t, disabled)
	if got := h.Run(t, "cat", "/etc/ebbgate/config.toml"); got != enforcing(perSource) {
		t.Errorf("the policy is now:\n%s", got)
	}
	if got := h.Run(t, "stat", "-c", "%a", "/etc/ebbgate/config.toml"); got != "600\n" {
		t.Errorf("the mode of the policy is now %s", got)
	}
	h.Run(t, "systemctl", "enable", "--now", "ebbgate")
	h.wants(t, map[string]string{"UnitFileState": "enabled", "ActiveState": "active"})
}
