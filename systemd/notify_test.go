package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ebbgate/policy"
)

const notifyUnit = "ebbgate-notify.service"

// stubbedNotify writes the unit and, if named, a drop-in with a command that exists on this machine.
func stubbedNotify(t *testing.T, dropIn string) (tool, file string) {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatalf("%v: make tools installs it", err)
	}
	file = filepath.Join(t.TempDir(), notifyUnit)
	for from, to := range map[string]string{notifyUnit: file, dropIn: filepath.Join(file+".d", filepath.Base(dropIn))} {
		if from == "" {
			continue
		}
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(strings.ReplaceAll(string(b), "=/usr/sbin/ebbgate notify", "=/bin/true")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return tool, file
}

func notifyDropIns(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(notifyUnit + ".d/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("drop-ins: %v, %v", files, err)
	}
	return files
}

// TestNotifyVerifies wants silence of the unit alone and with each drop-in.
func TestNotifyVerifies(t *testing.T) {
	for _, d := range append(notifyDropIns(t), "") {
		tool, file := stubbedNotify(t, d)
		if out, err := exec.Command(tool, "verify", "--man=no", file).CombinedOutput(); err != nil || len(out) != 0 {
			t.Errorf("with %q: %v: %s", d, err, out)
		}
	}
}

// TestNotifyExposure: docs/notify.md gives the same figures.
func TestNotifyExposure(t *testing.T) {
	page, err := os.ReadFile("../docs/notify.md")
	if err != nil {
		t.Fatal(err)
	}
	tool, file := stubbedNotify(t, "")
	out, err := exec.Command(tool, "security", "--offline=true", "--no-pager", "--threshold=2", file).CombinedOutput()
	if err != nil || !strings.Contains(string(page), "**0.2**") {
		t.Errorf("exposure above 0.2, or the page does not have it: %v\n%s", err, out)
	}
}

func TestNotifyUnitSays(t *testing.T) {
	u, main := readUnitFile(t, notifyUnit), readUnit(t)
	for key, want := range map[string]string{
		"Service.ExecStart":             "/usr/sbin/ebbgate notify",
		"Service.SupplementaryGroups":   policy.DefaultViewGroup,
		"Service.CapabilityBoundingSet": "",
		"Service.StateDirectory":        "ebbgate-notify",
		"Service.NoExecPaths":           "/",
		"Service.ExecPaths":             "/usr/sbin/ebbgate",
		"Service.Restart":               "on-failure",
	} {
		if got := strings.Join(u[key], "\n"); got != want || u[key] == nil {
			t.Errorf("%s=%s, want %s", key, got, want)
		}
	}
	if u["Service.User"][0] == main["Service.User"][0] || u["Service.Group"][0] == main["Service.Group"][0] {
		t.Error("it runs as the daemon, whose files it then owns")
	}
	if !slices.Contains(u["Service.RestartPreventExitStatus"], "2") || !slices.Contains(u["Service.Environment"], "GOTRACEBACK=crash") {
		t.Error("status 2 must not be restarted, and a crash must not end with it")
	}
	b, err := os.ReadFile("ebbgate.sysusers")
	if err != nil || !strings.Contains(string(b), "\nu "+u["Service.User"][0]+" - ") {
		t.Errorf("sysusers.d does not make its user: %v", err)
	}
}

// TestNotifyDropIns: each says where it goes, replaces the command, and leaves what keeps privilege out.
func TestNotifyDropIns(t *testing.T) {
	for _, f := range notifyDropIns(t) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(b), "# ") || !strings.Contains(string(b), "/etc/systemd/system/"+f) {
			t.Errorf("%s does not say where it is installed", f)
		}
		d := readUnitFile(t, f)
		if start := d["Service.ExecStart"]; len(start) != 2 || start[0] != "" || !strings.HasPrefix(start[1], "/usr/sbin/ebbgate notify -") {
			t.Errorf("%s: ExecStart %q", f, start)
		}
		for _, key := range []string{"User", "NoNewPrivileges", "CapabilityBoundingSet", "AmbientCapabilities", "SystemCallFilter", "ProtectSystem"} {
			if d["Service."+key] != nil {
				t.Errorf("%s changes %s=", f, key)
			}
		}
	}
}
