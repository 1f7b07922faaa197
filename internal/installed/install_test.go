package installed

import (
	"strings"
	"testing"

	"ebbgate/control"
	"ebbgate/policy"
)

// install: the service is there at once, and does nothing to anybody.
func (h *host) install(t *testing.T) {
	h.aptInstall(t, older)
	h.wants(t, map[string]string{"UnitFileState": "enabled", "ActiveState": "active", "SubState": "running", "CanReload": "yes"})
	if got := h.Run(t, "stat", "-c", "%U:%G %a", "/etc/ebbgate", "/etc/ebbgate/config.toml"); got != "root:ebbgate 750\nroot:ebbgate 640\n" {
		t.Errorf("/etc/ebbgate and its policy are %q", got)
	}
	h.Run(t, "ebbgate", "check", "/etc/ebbgate/config.toml")
	status := h.until(t, "the daemon answers", func(*control.Status) error { return nil })
	if status.Version != "0.1.0" || status.State != control.StatePeace {
		t.Errorf("version %s, state %s", status.Version, status.State)
	}
	for _, s := range status.Services {
		if s.Mode != policy.Shadow {
			t.Errorf("service %s is in mode %s", s.Name, s.Mode)
		}
	}
	if rules := h.rules(t); rules != "" {
		t.Errorf("an installation alone makes rules:\n%s", rules)
	}
	h.served(t, 20)
}

// unit: systemd has nothing to complain of.
func (h *host) unit(t *testing.T) {
	if r := h.Try("systemd-analyze", "verify", "--man=no", "ebbgate.service"); r.Status != 0 || r.Stdout+r.Stderr != "" {
		t.Errorf("verify: %s", r)
	}
	// The figure is ten times the exposure, which is 1.1.
	if r := h.Try("systemd-analyze", "security", "--no-pager", "--threshold=11", "ebbgate.service"); r.Status != 0 {
		t.Errorf("security: %s", r)
	}
	if journal := h.Run(t, "journalctl", "--boot", "--output=cat", "_PID=1"); strings.Contains(journal, "ordering cycle") || strings.Contains(journal, "Unknown key name") {
		t.Errorf("systemd complains:\n%s", journal)
	}
}

// sandbox: the kernel's view of what the daemon may do.
func (h *host) sandbox(t *testing.T) {
	const netAdmin = "0000000000001000" // CAP_NET_ADMIN is bit 12 (linux/capability.h)
	uid := strings.TrimSpace(h.Run(t, "id", "-u", "ebbgate"))
	gid := strings.TrimSpace(h.Run(t, "id", "-g", "ebbgate"))
	if uid == "0" || gid == "0" {
		t.Errorf("the daemon's user is %s:%s", uid, gid)
	}
	got := make(map[string]string)
	for line := range strings.Lines(h.Run(t, "cat", "/proc/"+h.property(t, "MainPID")+"/status")) {
		key, value, _ := strings.Cut(line, ":")
		got[key] = strings.Join(strings.Fields(value), " ")
	}
	for key, want := range map[string]string{
		"Uid":    strings.Join([]string{uid, uid, uid, uid}, " "),
		"Gid":    strings.Join([]string{gid, gid, gid, gid}, " "),
		"CapInh": netAdmin, "CapPrm": netAdmin, "CapEff": netAdmin, "CapBnd": netAdmin, "CapAmb": netAdmin,
		"NoNewPrivs": "1",
		"Seccomp":    "2", // SECCOMP_MODE_FILTER
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	if nice, want := strings.TrimSpace(h.Run(t, "ps", "-o", "nice=", "-p", h.property(t, "MainPID"))), h.property(t, "Nice"); nice != want || nice == "0" {
		t.Errorf("its priority is %s, want %s", nice, want)
	}
	h.hidden(t)
}
