package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPolicyTheServiceMayNotRead has root write the policy anew under a umask of 077, before the service starts and
// while it runs. It says what to do, and all is well once that is done.
func TestPolicyTheServiceMayNotRead(t *testing.T) {
	s := newStage(t)
	s.write(policyFile{}.text(s.socket()))
	if err := os.Chown(s.dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	service := func(args ...string) *exec.Cmd {
		cmd := unprivileged(command(args...))
		cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN}
		return cmd
	}
	run, reload := []string{"run", "--config", s.config()}, []string{"reload", "--socket", s.socket()}
	remedy := "chgrp nogroup " + s.config() + "; chmod 640 " + s.config()
	allow := func(root bool) {
		t.Helper()
		mode, gid := os.FileMode(0o640), nobody
		if root {
			mode, gid = 0o600, 0
		}
		for _, err := range []error{os.Chown(s.config(), 0, gid), os.Chmod(s.config(), mode)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	allow(true)
	if err := s.run(s.Victim, service(run...)).saysOneLine(1, s.config(), "permission denied", "runs as user nobody", remedy); err != nil {
		t.Error(err)
	}
	allow(false)
	d := s.start(service(run...))
	allow(true)
	o := s.run(s.Victim, service(reload...))
	if o.status != 2 || !strings.Contains(o.stderr, remedy+"\n") || !strings.Contains(o.stderr, "stays in force, with 1 service") {
		t.Errorf("reload: %+v", o)
	}
	if lines := d.log.String(); strings.Contains(lines, "permission denied") || strings.Count(lines, "policy-refused") != 1 || !strings.Contains(lines, "problems=1") {
		t.Errorf("what the command prints is in the daemon's log too, or no line tells of it:\n%s", lines)
	}
	allow(false)
	if o := s.run(s.Victim, service(reload...)); o.status != 0 || o.stderr != "" {
		t.Errorf("reload once it may be read: %+v", o)
	}
}
