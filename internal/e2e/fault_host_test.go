package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// TestControlSocketIsRemoved: it comes back within seconds, or status says why not to those who are connected.
func TestControlSocketIsRemoved(t *testing.T) {
	f := newFaulty(t, policyFile{}, "", false)
	served := func() error {
		client := control.Dial(f.socket())
		defer client.Close()
		_, err := client.Status(t.Context())
		return err
	}
	for _, path := range []string{f.socket(), f.socket() + ".lock"} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		await(t, long, "it is there again", func() error {
			_, err := os.Lstat(path)
			return errors.Join(err, served())
		})
	}
	if err := os.Remove(f.socket()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.socket(), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	f.awaitFault("control socket", "remove it")
	f.served(f.clients, 5)
	if err := os.Remove(f.socket()); err != nil {
		t.Fatal(err)
	}
	await(t, long, "new clients are served", served)
	f.awaitWell()
	f.checkInnocent()
}

// TestDescriptorsRunOut: the program gets none any more, while it holds a flood, and another begins.
// Those who are connected are told. Metrics are out of reach meanwhile: each scrape is a new connection.
func TestDescriptorsRunOut(t *testing.T) {
	f := newFaulty(t, policyFile{}, "", false)
	var was unix.Rlimit
	pid := f.daemon.cmd.Process.Pid
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &was); err != nil {
		t.Fatal(err)
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: was.Max}, nil); err != nil {
		t.Fatal(err)
	}
	f.floodFrom(lab.AttackRange().IPv4(2 * floodSources)[floodSources:])
	f.awaitStatusLong("too many open files are told of", func(s *control.Status) error {
		for _, x := range s.Faults {
			if x.Part == "closing" && strings.Contains(x.Text, "too many open files") {
				return nil
			}
		}
		return fmt.Errorf("faults %+v", s.Faults)
	})
	f.served(f.clients, 20)
	f.awaitStatusLong("the others are limited as well", func(s *control.Status) error {
		if n := s.Services[0].LimitsTotal; n != f.sources {
			return fmt.Errorf("%d sources are", n)
		}
		return nil
	})
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &was, nil); err != nil {
		t.Fatal(err)
	}
	f.awaitWell()
	f.checkInnocent()
}

// TestDescriptorsOver1023: the program begins with so many open that all its own are beyond what an fd_set
// holds (select(2)).
func TestDescriptorsOver1023(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	f := newFaultyBy(t, policyFile{}, "[observe]\nmeters = \"always\"\n\n", false, func(cmd *exec.Cmd) {
		for range 1100 {
			cmd.ExtraFiles = append(cmd.ExtraFiles, null)
		}
	})
	names, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", f.daemon.cmd.Process.Pid))
	if err != nil || len(names) < 1110 {
		t.Errorf("the program has %d descriptors, %v", len(names), err)
	}
	f.awaitStatusLong("the census, and what ends, are counted", func(s *control.Status) error {
		if shop := s.Services[0]; shop.Held == 0 || shop.Endings == nil || shop.ClosedConnections == 0 {
			return fmt.Errorf("service %+v", shop)
		}
		return healthy(s)
	})
	f.awaitWell()
	f.checkInnocent()
}

// TestInterfacesComeAndGo: interfaces and addresses appear and vanish without a pause while a flood is held.
func TestInterfacesComeAndGo(t *testing.T) {
	f := newFaulty(t, policyFile{}, "", false)
	before := f.daemon.status()
	const one = `link add faulty%[1]d type veth peer name peer%[1]d
addr add 192.0.2.%[1]d/24 dev faulty%[1]d
addr add 2001:db8:%[1]d::1/64 dev faulty%[1]d
addr add 198.51.100.%[1]d/32 dev lo
link set faulty%[1]d up
link set peer%[1]d up
link set faulty%[1]d down
link set faulty%[1]d mtu 1400
link set faulty%[1]d up
addr del 192.0.2.%[1]d/24 dev faulty%[1]d
addr del 198.51.100.%[1]d/32 dev lo
link del faulty%[1]d
`
	rounds := 0
	f.awaitStatusLong("thirty turns more", func(s *control.Status) error {
		rounds++
		cmd := exec.Command("ip", "-batch", "-")
		cmd.Stdin = strings.NewReader(fmt.Sprintf(one, rounds%200+1))
		if o := f.run(f.Victim, cmd); o.status != 0 {
			t.Fatalf("ip: %+v", o)
		}
		if n := s.Turns.Count - before.Turns.Count; n < 30 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	t.Logf("%d interfaces came and went", rounds)
	f.served(f.clients, 20)
	f.awaitWell()
	f.checkInnocent()
}
