package installed

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// peace: the attack ends, and nothing is left of it.
func (h *host) peace(t *testing.T) {
	if err := h.flood.Stop(); err != nil {
		t.Fatal(err)
	}
	// A flood of connections may have looked like one of SYNs for a moment: a SYN meter stays for a minute.
	nstest.Until(t, time.Minute+patience, "peace", func() error {
		s, err := h.ask()
		if err != nil {
			return err
		}
		if s.State != control.StatePeace || s.Services[0].LimitsTotal != 0 || s.Table.Present {
			return fmt.Errorf("state %s, %d limits, table present %t", s.State, s.Services[0].LimitsTotal, s.Table.Present)
		}
		return nil
	})
	if rules := h.rules(t); rules != "" {
		t.Errorf("rules are left:\n%s", rules)
	}
}

// slow: an application that accepts nothing is named by its unit, and nobody is limited for it.
func (h *host) slow(t *testing.T) {
	h.Run(t, "systemctl", "kill", "--signal=USR1", "shop")
	nstest.Until(t, patience, "the slow application is recognised", func() error {
		var attacks control.Attacks
		if err := json.Unmarshal([]byte(h.Run(t, "ebbgate", "attacks", "--json")), &attacks); err != nil {
			return err
		}
		if len(attacks.Attacks) == 0 || attacks.Attacks[0].Kind != policy.SlowApplication {
			return fmt.Errorf("attacks %+v", attacks.Attacks)
		}
		if why := attacks.Attacks[0].Evidence + attacks.Attacks[0].Why; !strings.Contains(why, "shop.service") {
			return fmt.Errorf("the unit is not named: %s", why)
		}
		return nil
	})
	if status, err := h.ask(); err != nil || status.Services[0].LimitsTotal != 0 {
		t.Errorf("status %+v, %v", status, err)
	}
	h.Run(t, "systemctl", "kill", "--signal=USR2", "shop")
	h.served(t, 20)
}

// stop, in the middle of an attack: nothing remains.
func (h *host) stop(t *testing.T) {
	h.startFlood(t, h.t)
	h.Run(t, "systemctl", "stop", "ebbgate")
	if rules := h.rules(t); rules != "" {
		t.Errorf("rules are left:\n%s", rules)
	}
	h.wants(t, map[string]string{"ActiveState": "inactive", "Result": "success", "MainPID": "0", "NFileDescriptorStore": "0"})
	if r := h.Try("ls", "/run/ebbgate"); r.Status == 0 {
		t.Errorf("/run/ebbgate is left: %s", r)
	}
	if r := h.Try("pgrep", "ebbgate"); r.Status != 1 {
		t.Errorf("a process is left: %s", r)
	}
	if r := h.Try("ebbgate", "status"); r.Status != 3 {
		t.Errorf("status of a stopped daemon: %s", r)
	}
	if err := h.flood.Stop(); err != nil {
		t.Fatal(err)
	}
}

// remove: the program goes, and what the operator wrote stays.
func (h *host) remove(t *testing.T) {
	h.Run(t, "systemctl", "start", "ebbgate")
	h.Run(t, "apt-get", "remove", "--yes", "ebbgate")
	if r := h.Try("pgrep", "ebbgate"); r.Status != 1 {
		t.Errorf("a process is left: %s", r)
	}
	if got := h.Run(t, "cat", "/etc/ebbgate/config.toml"); got != enforcing(perSource) {
		t.Errorf("the policy is now:\n%s", got)
	}
	if got := h.property(t, "LoadState"); got != "not-found" {
		t.Errorf("the unit is %s", got)
	}
}

// purge: no trace.
func (h *host) purge(t *testing.T) {
	h.Run(t, "apt-get", "purge", "--yes", "ebbgate")
	h.traceless(t)
	if r := h.Try("dpkg-query", "--show", "ebbgate"); r.Status == 0 {
		t.Errorf("dpkg knows it: %s", r)
	}
	if rules := h.rules(t); rules != "" {
		t.Errorf("rules are left:\n%s", rules)
	}
	h.served(t, 20)
}

// traceless checks that no file, directory or control group has the name of the program.
func (h *host) traceless(t *testing.T) {
	t.Helper()
	if left := h.Run(t, "find", "/", "-path", "/proc", "-prune", "-o", "-name", "*ebbgate*", "-print"); left != "" {
		t.Errorf("files are left:\n%s", left)
	}
}
