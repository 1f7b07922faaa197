package nspawn

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"ebbgate/internal/nstest"
)

// recorder stands in for a test that is meant to fail.
type recorder struct {
	testing.TB
	said string
}

func (r *recorder) Helper()           {}
func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }
func (r *recorder) Fatalf(format string, args ...any) {
	r.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// ending runs f and returns what it ended its test with; nothing if it did not.
func ending(t *testing.T, f func(testing.TB)) string {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r.said
}

func TestBoot(t *testing.T) {
	for suite, version := range map[Suite]string{Bookworm: "systemd 252 ", Trixie: "systemd 257 "} {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			l := nstest.Lab(t)
			var m *Machine
			t.Run("life", func(t *testing.T) {
				m = Boot(t, suite, l.Victim)
				if got := m.Run(t, "systemctl", "--version"); !strings.HasPrefix(got, version) {
					t.Errorf("systemctl says %s", got)
				}
				if got := m.Run(t, "cat", "/proc/1/comm"); got != "systemd\n" {
					t.Errorf("process 1 is %s", got)
				}
				if !sameFile(fmt.Sprintf("/proc/%d/ns/net", m.Leader()), l.Victim.Path()) {
					t.Error("it is not in the victim's network namespace")
				}
				m.useCommands(t)
				m.useFiles(t)
				m.useServices(t)
			})
			if m != nil {
				m.checkGone(t)
			}
		})
	}
}

// useCommands runs some that end well and some that do not.
func (m *Machine) useCommands(t *testing.T) {
	for _, tt := range []struct {
		script string
		want   Result
	}{
		{"echo out; echo err >&2", Result{"out\n", "err\n", 0}},
		{"echo out; exit 3", Result{"out\n", "", 3}},
		{"cat", Result{"", "", 0}},
		{"env | sort | head -n 2", Result{"DEBIAN_FRONTEND=noninteractive\nHOME=/root\n", "", 0}},
	} {
		if got := m.Try("sh", "-c", tt.script); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.script, got, tt.want)
		}
	}
	if got := m.Feed("in\n", "cat"); got.Stdout != "in\n" {
		t.Errorf("a command that reads: %+v", got)
	}
	if got := m.Try("sh", "-c", "kill -KILL $$"); got.Status != -1 || got.Stderr == "" {
		t.Errorf("a command that is killed: %+v", got)
	}
	if got := m.Try("/nonsense"); got.Status != 127 || !strings.Contains(got.Stderr, "/nonsense") {
		t.Errorf("a command that is not there: %+v", got)
	}
	said := ending(t, func(tb testing.TB) { m.Run(tb, "sh", "-c", "echo because >&2; exit 3") })
	if !strings.Contains(said, "because") || !strings.Contains(said, "status 3") {
		t.Errorf("Run of a command that fails ends the test with %q", said)
	}
}

// useFiles puts some in place, one where a link leads that this machine has, too.
func (m *Machine) useFiles(t *testing.T) {
	src := filepath.Join(t.TempDir(), "src")
	if err := os.WriteFile(src, []byte("one\x00two\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.Put(t, src, "/srv/new/file", 0o640)
	if got := m.Run(t, "stat", "-c", "%U %G %a %s", "/srv/new/file"); got != "root root 640 8\n" {
		t.Errorf("the file is %q", got)
	}
	m.Run(t, "ln", "-s", "/srv/new", "/srv/link")
	m.Write(t, "/srv/link/file", "three\n", 0o755)
	if got := m.Run(t, "sh", "-c", "cat /srv/new/file; stat -c %a /srv/new/file"); got != "three\n755\n" {
		t.Errorf("the file holds %q", got)
	}
	if _, err := os.Stat("/srv/new"); err == nil {
		t.Error("the file went to this machine")
	}
	if said := ending(t, func(tb testing.TB) { m.Write(tb, "/proc/nowhere/x", "", 0o644) }); said == "" {
		t.Error("a file that cannot be written does not end the test")
	}
}

// useServices has systemd do what it is there for.
func (m *Machine) useServices(t *testing.T) {
	m.Write(t, "/etc/systemd/system/greet.service", "[Service]\nType=oneshot\nDynamicUser=yes\nIPAddressDeny=any\nExecStart=echo hello\n", 0o644)
	m.Run(t, "systemctl", "daemon-reload")
	m.Run(t, "systemctl", "start", "greet")
	m.Run(t, "journalctl", "--sync")
	if got := m.Run(t, "journalctl", "--quiet", "--output=cat", "_SYSTEMD_UNIT=greet.service"); got != "hello\n" {
		t.Errorf("the journal says %q", got)
	}
}

// checkGone checks that nothing is left of a machine whose test is over.
func (m *Machine) checkGone(t *testing.T) {
	t.Helper()
	for _, path := range []string{m.place.dir, string(m.place.group)} {
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	if r := m.Try("true"); r.Status != -1 {
		t.Errorf("it still does what it is told: %+v", r)
	}
}

// TestPreparedMachine: what is done before the boot is there after it, and what fails makes it degraded.
func TestPreparedMachine(t *testing.T) {
	m := New(t, Bookworm, nstest.Lab(t).Victim)
	if got := m.Try("systemctl", "is-system-running"); got.Stdout != "offline\n" || m.Leader() != 0 {
		t.Errorf("before the boot: %+v", got)
	}
	if got := m.Try("sh", "-c", "exit 3"); got.Status != 3 {
		t.Errorf("a command that fails: %+v", got)
	}
	m.Write(t, "/etc/systemd/system/fails.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n[Install]\nWantedBy=multi-user.target\n", 0o644)
	m.Run(t, "systemctl", "enable", "fails")
	if state := m.Boot(t); state != "degraded" {
		t.Errorf("the state is %q", state)
	}
	if got := m.Try("systemctl", "is-failed", "fails"); got.Stdout != "failed\n" {
		t.Errorf("the service that fails: %+v", got)
	}
}
