package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ebbgate/control"
	"ebbgate/policy"
)

func TestReloadCommand(t *testing.T) {
	a := answer(t)
	const good = "/etc/ebbgate/config.toml is in force, with 2 services\nwarning: service \"web\": has no limit\n"
	if status, out, errs := a.run("reload"); status != 0 || out != good || errs != "" {
		t.Errorf("a good policy: status %d, %q, %q", status, out, errs)
	}
	status, out, errs := a.run("reload", "--json")
	var r control.Reload
	if err := json.Unmarshal([]byte(out), &r); err != nil || status != 0 || errs != "" || !r.InForce || r.Services != 2 || len(r.Warnings) != 1 {
		t.Errorf("a good policy: status %d, %s (%v), %q", status, out, err, errs)
	}
}

func TestReloadCommandOfABadPolicy(t *testing.T) {
	a := answer(t)
	_, err := policy.Parse("/etc/e.toml", []byte("mode = \"on\"\nmodus = 1\n[[service]]\nname = \"web\"\nports = [70000]\n"))
	a.reload = control.NewReload(control.Time{}, "/etc/e.toml", 1, nil, err)
	status, out, errs := a.run("reload")
	lines := strings.Split(errs, "\n")
	if status != 2 || out != "" || len(lines) != 5 {
		t.Fatalf("status %d, %q, %q; want 2 and a line for each problem, and one more", status, out, errs)
	}
	for i, want := range []string{`/etc/e.toml:1: mode: "on" `, "/etc/e.toml:2: modus: ", "/etc/e.toml:5: service[0].ports[0]: 70000 is not a port, must be 1 to 65535",
		"the policy is NOT reloaded: the one before it stays in force, with 1 service"} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is %q, want %q", i+1, lines[i], want)
		}
	}
	status, out, errs = a.run("reload", "--json")
	var r control.Reload
	if err := json.Unmarshal([]byte(out), &r); err != nil || status != 2 || errs != "" || r.InForce || len(r.Problems) != 3 || r.Problems[2].Line != 5 {
		t.Errorf("status %d, %s (%v), %q", status, out, err, errs)
	}
}

// TestRuntimeSocket is of the daemon's link; that no command goes there TestReloadOfAnotherService shows.
func TestRuntimeSocket(t *testing.T) {
	for dirs, want := range map[string]string{"": "", "/run/ebbgate": policy.DefaultSocket, "/run/ebbgate-two:/run/x": "/run/ebbgate-two/control.sock"} {
		t.Setenv("RUNTIME_DIRECTORY", dirs)
		if got := runtimeSocket(); got != want {
			t.Errorf("%q: %q, want %q", dirs, got, want)
		}
	}
}

// TestReloadOfAnotherService calls the command from a service with a directory of its own, in which somebody
// else answers under the name that our daemon's link has.
func TestReloadOfAnotherService(t *testing.T) {
	other := answer(t)
	dir := t.TempDir()
	t.Setenv("RUNTIME_DIRECTORY", dir)
	if err := other.socket.Link(filepath.Join(dir, "control.sock")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(policy.DefaultSocket); err == nil {
		t.Skip("a daemon runs on this machine: it would be made to reload")
	}
	var out, errs strings.Builder
	if status := execute([]string{"reload"}, &out, &errs); status != 3 || !strings.Contains(errs.String(), policy.DefaultSocket) {
		t.Errorf("status %d, %q, %q; want the daemon of the host to be asked", status, out.String(), errs.String())
	}
}
