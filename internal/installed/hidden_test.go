package installed

import (
	"slices"
	"strings"
	"testing"
)

// hidden: of other programs' files the daemon sees none that it could do without.
func (h *host) hidden(t *testing.T) {
	t.Helper()
	root := "/proc/" + h.property(t, "MainPID") + "/root"
	for dir, may := range map[string][]string{
		"/run":     {"ebbgate", "systemd", "utmp"},
		"/var":     {"lib", "tmp"},
		"/var/lib": {"ebbgate"},
	} {
		all, sees := strings.Fields(h.Run(t, "ls", "-A", dir)), strings.Fields(h.Run(t, "ls", "-A", root+dir))
		if len(sees) == 0 || len(sees) >= len(all) {
			t.Errorf("the daemon sees %q of %q in %s", sees, all, dir)
		}
		for _, name := range sees {
			if !slices.Contains(may, name) {
				t.Errorf("the daemon sees %s/%s", dir, name)
			}
		}
	}
	for _, dir := range []string{"/boot", "/media", "/mnt", "/opt", "/srv"} {
		if mode := h.Run(t, "stat", "-c", "%a", root+dir); mode != "0\n" {
			t.Errorf("the mode of %s is %q for the daemon, which may not enter it", dir, mode)
		}
	}
}
