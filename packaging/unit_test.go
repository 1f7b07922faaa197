package packaging

import (
	"slices"
	"strings"
	"testing"
)

// checkUnits looks up in the package everything the units name, and what lets the daemon read its policy.
func checkUnits(t *testing.T, data map[string]file) {
	for _, name := range []string{"ebbgate.service", "ebbgate-notify.service"} {
		checkUnit(t, data, data["usr/lib/systemd/system/"+name].text)
	}
	tmpfiles := data["usr/lib/tmpfiles.d/ebbgate.conf"].text
	for _, line := range []string{"\nd /etc/ebbgate 0750 root ebbgate -\n", "\nz /etc/ebbgate/config.toml - - ebbgate -\n"} {
		if !strings.Contains(tmpfiles, line) {
			t.Errorf("tmpfiles.d has no line %q", strings.TrimSpace(line))
		}
	}
}

func checkUnit(t *testing.T, data map[string]file, unit string) {
	var programs, users []string
	for line := range strings.Lines(unit) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		words := strings.Fields(strings.TrimLeft(value, "-+!@:"))
		switch {
		case len(words) == 0:
		case strings.HasPrefix(key, "Exec") && key != "ExecPaths":
			programs = append(programs, words[0])
			if i := slices.Index(words, "--config"); i >= 0 && !has(data, words[i+1]) {
				t.Errorf("%s names %s, which is not in the package", key, words[i+1])
			}
		case key == "User" || key == "Group" || key == "SupplementaryGroups":
			users = append(users, words...)
		case key == "Documentation":
			for _, w := range words {
				if page, ok := strings.CutPrefix(w, "man:"); ok {
					name, section, _ := strings.Cut(strings.TrimSuffix(page, ")"), "(")
					if !has(data, "/usr/share/man/man"+section+"/"+name+"."+section+".gz") {
						t.Errorf("Documentation=%s is not in the package", w)
					}
				}
				if file, ok := strings.CutPrefix(w, "file:"); ok && !has(data, file) {
					t.Errorf("Documentation=%s is not in the package", w)
				}
			}
		}
	}
	if !slices.Contains(programs, "/usr/sbin/ebbgate") {
		t.Errorf("the unit starts %v, not what the package holds", programs)
	}
	for _, p := range programs {
		// Whatever else it ran would have to be among the dependencies.
		if !has(data, p) {
			t.Errorf("the unit runs %s, which is not in the package", p)
		}
	}
	if len(users) == 0 {
		t.Error("the unit names no user")
	}
	for _, u := range users {
		if sysusers := "\n" + data["usr/lib/sysusers.d/ebbgate.conf"].text; !strings.Contains(sysusers, "\nu "+u+" ") && !strings.Contains(sysusers, "\ng "+u+" ") {
			t.Errorf("the unit names %s, whom sysusers.d does not make", u)
		}
	}
}

func has(data map[string]file, path string) bool {
	f, ok := data[strings.TrimPrefix(path, "/")]
	return ok && !f.isDirectory
}
