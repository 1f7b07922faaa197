package observer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/cgroup"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// within runs f while this process is in a control group made for it, as a socket belongs to the
// group in which it was made. What it makes it removes again.
func within(t *testing.T, mount, group string, f func()) {
	t.Helper()
	procs := func(g string) string { return filepath.Join(mount, g, "cgroup.procs") }
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	_, home, ok := strings.Cut("\n"+string(own), "\n0::")
	if !ok {
		t.Fatalf("no group of version 2 in %q", own)
	}
	home, _, _ = strings.Cut(home, "\n")
	var made []string
	for at := group; at != "/"; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(mount, at)); errors.Is(err, fs.ErrNotExist) {
			made = append(made, filepath.Join(mount, at))
		}
	}
	move := func(g string) error { return os.WriteFile(procs(g), []byte(fmt.Sprint(os.Getpid())), 0) }
	defer func() {
		if err := move(home); err != nil {
			t.Error(err)
		}
		for _, dir := range made {
			// Another run of these tests may use a slice we made.
			if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.ENOTEMPTY) {
				t.Errorf("remove %s: %v", dir, err)
			}
		}
	}()
	if err := errors.Join(os.MkdirAll(filepath.Join(mount, group), 0o755), move(group)); err != nil {
		if (errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS)) && os.Getenv("CI") == "" {
			t.Skipf("not permitted to make control groups: %v", err)
		}
		t.Fatal(err)
	}
	f()
}

func TestListenerUnits(t *testing.T) {
	mount := cgroup.Mount("/")
	if mount == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no control groups of version 2 are mounted")
		}
		t.Skip("no control groups of version 2 are mounted")
	}
	o := enter(t, web(func(p *policy.Policy) { p.Services[0].Ports = []policy.PortRange{{First: 1, Last: 9}} }))
	o.tick.sessions.reader = nil // it must not be asked while there is no sshd
	pid := os.Getpid()
	tests := []struct {
		group, unit string
		ssh         bool
	}{
		{fmt.Sprintf("/system.slice/ebbgate-test-%d.service", pid), fmt.Sprintf("ebbgate-test-%d.service", pid), false},
		{fmt.Sprintf("/user.slice/ebbgate-test-%d.slice/user@1000.service/app.slice/ssh.service", pid), "ssh.service", false},
		{fmt.Sprintf("/system.slice/ebbgate-test-%d.scope/system.slice/sshd.service", pid), "sshd.service", false},
		{fmt.Sprintf("/ebbgate-test-%d", pid), "", false},
		{fmt.Sprintf("/system.slice/sshd@ebbgate-test-%d.service", pid), fmt.Sprintf("sshd@ebbgate-test-%d.service", pid), true},
	}
	for i, tt := range tests {
		if tt.ssh {
			o.tick.sessions = sessions{reader: newLoginReader(t)}
		}
		port := i + 1
		within(t, mount, tt.group, func() {
			nstest.Listen(t, fmt.Sprintf("127.0.0.1:%d", port), 5)
			o.tick.cgroups = cgroup.NewTree(mount)
			var got policy.Listener
			nstest.Await(t, "the walk to end", func() bool {
				obs := o.Tick()
				got = obs.Listeners[i]
				if len(obs.Faults) != 0 {
					t.Fatal(obs.Faults)
				}
				return got.Unit == tt.unit && got.SSH == tt.ssh
			})
		})
		// The group is gone, the socket and what is known of it are not.
		obs := o.Tick()
		if l := obs.Listeners[i]; l.Unit != tt.unit || l.SSH != tt.ssh || (len(obs.Sessions) > 0) != tt.ssh {
			t.Errorf("%s: %+v, sessions %v", tt.group, l, obs.Sessions)
		}
	}
}

// TestListenerUnitOfAnotherUser has a listener in sshd's group that root did not make.
func TestListenerUnitOfAnotherUser(t *testing.T) {
	ssh := func(uint64) cgroup.Unit { return cgroup.Unit{Name: "ssh.service", SSH: true} }
	for _, root := range []bool{true, false} {
		l := listener("0.0.0.0:80", false)
		l.root = root
		got := report([]listening{l}, web().Services, ssh)
		if len(got) != 1 || got[0].Unit != "ssh.service" || got[0].SSH != root {
			t.Errorf("made by root: %v; %+v", root, got)
		}
	}
}
