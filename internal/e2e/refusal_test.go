package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user without any privilege.
const nobody = 65534

// unprivileged makes a command run as nobody.
func unprivileged(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}

// TestRefusesToStart shows each reason for which the daemon does not start: a status, one line that
// says what to do, and nothing changed.
func TestRefusesToStart(t *testing.T) {
	s := newStage(t)
	s.write(policyFile{}.text(s.socket()))
	secret := filepath.Join(s.dir, "secret.toml")
	if err := os.WriteFile(secret, []byte("mode = \"shadow\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken := filepath.Join(s.dir, "taken.sock")
	const content = "somebody's work\n"
	if err := os.WriteFile(taken, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(s.dir, "beside.toml")
	if err := os.WriteFile(beside, []byte(policyFile{}.text(taken)), 0o644); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(s.dir, "missing.toml")
	for _, tt := range []struct {
		name   string
		cmd    *exec.Cmd
		status int
		words  []string
	}{
		{"no policy", command("run", "--config", missing), 1, []string{missing, "no such file", "put a policy there"}},
		{"policy is a directory", command("run", "--config", s.dir), 2, []string{s.dir, "not a regular file"}},
		{"policy not readable", unprivileged(command("run", "--config", secret)), 1, []string{secret, "permission denied", "chgrp nogroup " + secret + "; chmod 640 " + secret}},
		{"not root", unprivileged(command("run", "--config", s.config())), 1, []string{"root", "CAP_NET_ADMIN"}},
		{"socket is a file", command("run", "--config", beside), 1, []string{taken, "remove it"}},
		{"status without a daemon", command("status", "--socket", s.socket()), 3, []string{s.socket(), "is it running?"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := s.run(s.Victim, tt.cmd).saysOneLine(tt.status, tt.words...); err != nil {
				t.Error(err)
			}
			s.unchanged(t, taken, content)
		})
	}
}

// unchanged checks that no daemon was here.
func (s *stage) unchanged(t *testing.T, taken, content string) {
	t.Helper()
	if b, err := os.ReadFile(taken); err != nil || string(b) != content {
		t.Errorf("the file in the socket's place holds %q (%v)", b, err)
	}
	if came := s.table.Presences(); len(came) != 0 {
		t.Errorf("a table was there: %v", came)
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f, ".toml") && f != taken {
			t.Errorf("%s is left", f)
		}
	}
}

// TestSecondDaemon starts another daemon while the first one holds an attack to its limits: on its
// socket, and beside it.
func TestSecondDaemon(t *testing.T) {
	s, server, flood, d := attacked(t)
	other := filepath.Join(s.dir, "other.toml")
	elsewhere := filepath.Join(s.dir, "other.sock")
	if err := os.WriteFile(other, []byte(policyFile{}.text(elsewhere)), 0o644); err != nil {
		t.Fatal(err)
	}
	pid := fmt.Sprint(d.cmd.Process.Pid)
	for _, tt := range []struct {
		name, config string
		words        []string
	}{
		{"on the same socket", s.config(), []string{s.socket(), pid}},
		{"beside its table", other, []string{"inet ebbgate", "another"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := s.run(s.Victim, command("run", "--config", tt.config))
			if err := o.saysOneLine(1, tt.words...); err != nil {
				t.Error(err)
			}
			t.Logf("it says: %s", o.stderr)
		})
	}
	if _, err := os.Lstat(elsewhere); !os.IsNotExist(err) {
		t.Errorf("the second daemon's socket is left (%v)", err)
	}
	if came := s.table.Presences(); len(came) != 1 {
		t.Errorf("the table came and went: %v", came)
	}
	s.awaitLimited(perSource, server, flood)
	status := d.awaitStatus("the first daemon goes on", limiting(8))
	if status.PID != d.cmd.Process.Pid {
		t.Errorf("process %d answers, want %d", status.PID, d.cmd.Process.Pid)
	}
}

// TestSecondDaemonInPeace: there is no table yet that could be held, and the sockets differ.
func TestSecondDaemonInPeace(t *testing.T) {
	s := newStage(t)
	d := s.daemon(policyFile{})
	other := filepath.Join(s.dir, "other.toml")
	if err := os.WriteFile(other, []byte(policyFile{}.text(filepath.Join(s.dir, "other.sock"))), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.run(s.Victim, command("run", "--config", other)).saysOneLine(1, "another ebbgate", fmt.Sprint(d.cmd.Process.Pid)); err != nil {
		t.Error(err)
	}
	if err := healthy(d.status()); err != nil {
		t.Errorf("the first daemon: %v", err)
	}
}
