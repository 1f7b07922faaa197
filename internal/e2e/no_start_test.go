package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"ebbgate/internal/lab"
)

// TestFailedStartLeavesNoTable kills the daemon in the middle of an attack and lets the next one not come up.
// A service manager that tries again for ever would keep the table for ever with what it has in store.
func TestFailedStartLeavesNoTable(t *testing.T) {
	if ownerless(t) {
		t.Skip("tables have no owners here")
	}
	s, m := newStage(t), newServiceManager(t)
	s.server(everywhere(), capacity)
	good := policyFile{lease: "30s"}
	file := func(name, text string) string {
		t.Helper()
		path := filepath.Join(s.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	taken := file("taken.sock", "somebody's work\n")
	s.flood(v4(), lab.AttackRange().IPv4(8), 1000)
	s.write(good.text(s.socket()))
	for _, tt := range []struct {
		name   string
		args   []string
		claim  bool // the table's name is taken, by this process
		status int
		says   string
	}{
		{"no policy", []string{"--config", filepath.Join(s.dir, "missing.toml")}, false, 1, "no such file"},
		{"a bad policy", []string{"--config", file("bad.toml", "mode = 1\n")}, false, 2, "bad.toml:1: mode: "},
		{"no socket", []string{"--config", file("taken.toml", good.text(taken))}, false, 1, taken},
		{"a table that another process claims", []string{"--config", s.config()}, true, 1, "another ebbgate runs in this network namespace"},
	} {
		d := m.start(s)
		d.awaitStatus("all sources are limited", limiting(8))
		m.awaitStore(true)
		d.signal(syscall.SIGKILL)
		d.wait()
		if !strings.Contains(s.rules(), "table inet ebbgate") {
			t.Fatalf("%s: the table went with the daemon", tt.name)
		}
		release := func() {}
		if tt.claim {
			release = s.claim()
		}
		cmd, started := m.command(append([]string{"run"}, tt.args...)...)
		o := s.run(s.Victim, cmd)
		started()
		release()
		if o.status != tt.status || !strings.Contains(o.stderr, tt.says) {
			t.Errorf("%s: %+v; want status %d and %q", tt.name, o, tt.status, tt.says)
		}
		m.awaitStore(false)
		s.awaitTable(false)
		if rules := s.rules(); rules != "" {
			t.Errorf("%s: rules are left:\n%s", tt.name, rules)
		}
	}
}

// claim takes the name by which daemons of the victim find each other, until what it returns is called.
func (s *stage) claim() (release func()) {
	s.t.Helper()
	var l net.Listener
	if err := s.Victim.Do(func() (err error) {
		l, err = net.Listen("unix", "@ebbgate/inet-table")
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return func() { _ = l.Close() }
}

// TestSocketIsStoredOnceReady: until the daemon is ready nothing is in store, so that a start that hangs or
// crashes on the way leaves no table either; whoever waited for the daemon to be ready finds it there.
func TestSocketIsStoredOnceReady(t *testing.T) {
	if ownerless(t) {
		t.Skip("tables have no owners here")
	}
	s, m := newStage(t), newServiceManager(t)
	s.write(policyFile{}.text(s.socket()))
	for _, want := range [][]string{{"FDSTORE", "READY"}, {"FDSTOREREMOVE", "FDSTORE", "READY"}} {
		from := m.heard()
		d := m.start(s)
		var got []string
		await(t, soon, "the daemon is ready", func() error {
			got = m.saidSince(from, "FDSTOREREMOVE", "FDSTORE", "READY")
			if !slices.Contains(got, "READY") {
				return fmt.Errorf("it said %v", got)
			}
			return nil
		})
		if !slices.Equal(got, want) {
			t.Errorf("the service manager was told %v, want %v", got, want)
		}
		d.signal(syscall.SIGKILL)
		d.wait()
	}
}

// heard is how many messages have come; it must be fewer than are kept.
func (m *serviceManager) heard() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.said)
}

// saidSince returns which of the variables were set to 1 since so many messages had come, in order.
func (m *serviceManager) saidSince(from int, variables ...string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, text := range m.said[from:] {
		for _, v := range variables {
			if strings.HasPrefix(text, v+"=1") {
				out = append(out, v)
			}
		}
	}
	return out
}
