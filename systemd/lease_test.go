package systemd

import (
	"path/filepath"
	"testing"
	"time"

	"ebbgate/policy"
)

// startTime is more than a start takes, on a busy machine too.
const startTime = 5 * time.Second

// duration reads a length of time, which the unit's files give as Go reads it, too.
func duration(t *testing.T, u unit, key string) time.Duration {
	t.Helper()
	if len(u[key]) != 1 {
		t.Fatalf("%s is %q, want one value", key, u[key])
	}
	d, err := time.ParseDuration(u[key][0])
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return d
}

// TestHangIsOverBeforeTheLease: a daemon that hangs is found, ended, and replaced, while the limits in force
// last by their lease: by the unit alone, and with the longest interval of the drop-in.
func TestHangIsOverBeforeTheLease(t *testing.T) {
	u := readUnit(t)
	ended := duration(t, u, "Service.WatchdogSec") + duration(t, u, "Service.TimeoutAbortSec")
	again := duration(t, u, "Service.RestartSec")
	longest := duration(t, readUnitFile(t, "backoff.conf"), "Service.RestartMaxDelaySec")
	if again > longest {
		t.Errorf("intervals grow from %v to %v", again, longest)
	}
	for _, wait := range []time.Duration{again, longest} {
		if gap := ended + wait + startTime; gap > policy.DefaultLease {
			t.Errorf("a hang lasts %v with an interval of %v, the default lease %v", gap, wait, policy.DefaultLease)
		}
	}
}

// TestSocketIsWhereTheDaemonMayWrite: the default socket, and what the sandbox leaves of /run and /var.
func TestSocketIsWhereTheDaemonMayWrite(t *testing.T) {
	u := readUnit(t)
	run, state := "/run/"+u["Service.RuntimeDirectory"][0], "/var/lib/"+u["Service.StateDirectory"][0]
	if dir := filepath.Dir(policy.DefaultSocket); dir != run {
		t.Errorf("the default socket is in %s, the unit's directory is %s", dir, run)
	}
	if got, want := u["Service.BindPaths"], run+" "+state; len(got) != 1 || got[0] != want {
		t.Errorf("BindPaths=%q, want %q: other files in /run and /var are hidden", got, want)
	}
}
