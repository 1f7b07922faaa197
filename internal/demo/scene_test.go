package demo

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
)

func TestScenesAreTheKinds(t *testing.T) {
	var names []string
	for _, s := range Scenes(1000) {
		names = append(names, s.Name())
		if s.Attacked() == (s.Name() == "slow-application") {
			t.Errorf("%s: attacked %t", s.Name(), s.Attacked())
		}
		c := s.Server()
		if c.Capacity != Capacity || len(c.Listen) != 1 || c.Listen[0].Port() != ServicePort {
			t.Errorf("%s: server %+v", s.Name(), c)
		}
	}
	if !slices.Equal(names, Kinds()) {
		t.Errorf("scenes %v, kinds %v", names, Kinds())
	}
}

func TestSceneIsPlayed(t *testing.T) {
	l := nstest.Lab(t)
	for _, s := range Scenes(2000) {
		if s.Name() == "distributed-flood" || s.Name() == "connection-flood" {
			continue // as churn, with more sockets than a test of this needs
		}
		t.Run(s.Name(), func(t *testing.T) {
			if err := s.Prepare(l.Victim); err != nil {
				t.Fatal(err)
			}
			server, err := lab.StartServer(t.Context(), l.Victim, s.Server())
			if err != nil {
				t.Fatal(err)
			}
			defer server.Stop()
			a, err := s.Begin(t.Context(), l.Attackers, server)
			if err != nil {
				t.Fatal(err)
			}
			nstest.Await(t, "the attackers send", func() bool { return a.Sent() > 100 || !s.Attacked() })
			began := len(a.floods)
			if err := a.Stop(); err != nil || began == 0 || len(a.floods) != 0 {
				t.Errorf("%d floods began, %d are left, error %v", began, len(a.floods), err)
			}
		})
	}
}

func TestSceneThatCannotBegin(t *testing.T) {
	l := nstest.Lab(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, s := range Scenes(2000) {
		if !s.Attacked() {
			continue
		}
		if a, err := s.Begin(t.Context(), l.Attackers, nil); err == nil {
			t.Errorf("%s begins in a closed laboratory: %+v", s.Name(), a)
		}
	}
}

func TestDaemonOfAnotherPlay(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	l := nstest.Lab(t)
	d, err := StartDaemon(t.Context(), l.Victim, nstest.Program(t), policyText{}.write)
	if err != nil {
		t.Fatal(err)
	}
	if s := d.Service(t.Context()); s.Name != "shop" {
		t.Errorf("it tells of %+v", s)
	}
	if d.PID() <= 1 {
		t.Errorf("process %d", d.PID())
	}
	select {
	case <-d.Done():
		t.Error("it has ended")
	default:
	}
	if err := d.Stop(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(d.Log(), "msg=ready") {
		t.Errorf("log:\n%s", d.Log())
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
}

func TestDaemonOfAnotherPlayThatDoesNotStart(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	l := nstest.Lab(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := StartDaemon(ctx, l.Victim, script(t, "exit 2\n"), policyText{}.write); err == nil {
		t.Error("a program that ends at once passes for a daemon")
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if strings.HasPrefix(e.Name(), "ebbgate-demo-") {
			t.Errorf("left behind: %v", e)
		}
	}
}
