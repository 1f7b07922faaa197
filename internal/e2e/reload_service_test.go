package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// asService makes a command run as a service manager does within a service: as a user of its own with one
// capability, told where the service's directory is.
func (s *stage) asService(m *serviceManager, cmd *exec.Cmd) *exec.Cmd {
	unprivileged(cmd).SysProcAttr.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN}
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.path, "RUNTIME_DIRECTORY="+s.dir)
	return cmd
}

// TestReloadOfAService loads good and bad policies as the service manager's ExecReload= does, while the
// socket is not where it usually is, and while the policy moves it again.
func TestReloadOfAService(t *testing.T) {
	s, m := newStage(t), newServiceManager(t)
	for _, err := range []error{os.Chown(s.dir, nobody, nobody), os.Chmod(filepath.Dir(m.path), 0o755), os.Chmod(m.path, 0o666)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	moved := func(name string) string { return policyFile{}.text(filepath.Join(s.dir, name)) }
	s.write(moved("elsewhere.sock"))
	d := s.start(s.asService(m, command("run", "--config", s.config())))
	for _, tt := range []struct {
		policy string
		status int
		says   string
	}{
		{moved("elsewhere.sock"), 0, s.config() + " is in force, with 1 service\n"},
		{strings.Replace(moved("third.sock"), "per_source = 100", "per_source = 1", 1), 2, "connections.per_source: 1 "},
		{moved("third.sock"), 0, "warning: control: takes effect when the service is restarted"},
		{moved("third.sock"), 0, s.config() + " is in force, with 1 service\n"},
	} {
		s.write(tt.policy)
		o := s.run(s.Victim, s.asService(m, command("reload", "--socket", s.socket())))
		if said := o.stdout + o.stderr; o.status != tt.status || !strings.Contains(said, tt.says) || (o.stderr == "") != (tt.status == 0) {
			t.Errorf("status %d, want %d and %q: %s", o.status, tt.status, tt.says, said)
		}
	}
	if o := s.run(s.Victim, command("reload", "--json", "--socket", s.socket())); o.status != 0 || !strings.Contains(o.stdout, `"in_force": true`) {
		t.Errorf("root: %+v", o)
	}
	stranger := command("reload", "--socket", s.socket())
	stranger.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody - 1, Gid: nobody - 1}}
	if err := s.run(s.Victim, stranger).saysOneLine(1, "not permitted", "only root may"); err != nil {
		t.Errorf("a stranger: %v", err)
	}
	d.signal(syscall.SIGHUP)
	m.awaitReloads(6)
	d.signal(syscall.SIGTERM)
	d.wait()
	if _, err := os.Lstat(s.socket()); !os.IsNotExist(err) {
		t.Errorf("the link to the socket is left (%v)", err)
	}
}

var reloading = regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*\n?$`)

// awaitReloads waits until so many reloads have been told of, and checks in what order: each begins with the
// time in the same datagram and ends before the next, and what a bad policy, the second one, leaves to be
// shown is said in between.
func (m *serviceManager) awaitReloads(want int) {
	m.t.Helper()
	var order []string
	await(m.t, soon, "the service manager is told of all reloads", func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		order = nil
		for _, text := range m.said {
			switch {
			case reloading.MatchString(text):
				order = append(order, "reloading")
			case text == "READY=1":
				order = append(order, "ready")
			case strings.HasPrefix(text, "STATUS=the policy on disk is NOT in force, it has 1 problem (ebbgate check "):
				order = append(order, "bad")
			case strings.Contains(text, "RELOADING"), strings.Contains(text, "READY"):
				m.t.Errorf("it was told %q", text)
			}
		}
		if n := strings.Count(strings.Join(order, " "), "reloading ready") + strings.Count(strings.Join(order, " "), "bad ready"); n != want {
			return fmt.Errorf("it was told %q", m.said)
		}
		return nil
	})
	expect := []string{"ready", "reloading", "ready", "reloading", "bad", "ready"}
	for range want - 2 {
		expect = append(expect, "reloading", "ready")
	}
	if !slices.Equal(order, expect) {
		m.t.Errorf("it was told %v, want %v", order, expect)
	}
}
