package observer

import (
	"fmt"
	"os"
	"testing"

	"ebbgate/internal/cgroup"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

func TestListenerUnits(t *testing.T) {
	mount, _ := nstest.Cgroup(t)
	if got := cgroup.Mount("/"); got != mount {
		t.Fatalf("control groups are looked for at %q, want %q", got, mount)
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
		remove := nstest.InCgroup(t, tt.group, func() {
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
		remove()
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
		got := report([]listening{l}, web().Services, ssh, noSegment)
		if len(got) != 1 || got[0].Unit != "ssh.service" || got[0].SSH != root {
			t.Errorf("made by root: %v; %+v", root, got)
		}
	}
}
