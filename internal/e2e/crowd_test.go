package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// viewedBy is a policy that lets the group of user nobody read.
func (p policyFile) viewedBy(socket string) string {
	return strings.Replace(p.text(socket), `view_group = ""`, `view_group = "nogroup"`, 1)
}

// crowded is a process with very many clients of a daemon, users without any privilege.
type crowded struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   bytes.Buffer
}

// startCrowd starts a crowd from a directory that everybody may enter.
func startCrowd(t testing.TB, dir, socket string) *crowded {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "crowd")
	if err := os.WriteFile(binary, self, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary)
	// One core is the crowd's. What the daemon does for it is the daemon's.
	cmd.Env = append(os.Environ(), clientsEnv+"="+socket, "GOMAXPROCS=1")
	c := &crowded{cmd: cmd}
	c.cmd.Stdout, c.cmd.Stderr = &c.out, os.Stderr
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill() })
	return c
}

// leave ends the crowd, and returns what became of it.
func (c *crowded) leave(t testing.TB) (r crowdReport) {
	t.Helper()
	_ = c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(c.out.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s", err, c.out.String())
	}
	return r
}

// peakMemory returns the most memory the daemon ever had, in KiB (proc_pid_status(5), VmHWM).
func (d *daemon) peakMemory() (kib int) {
	d.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		d.t.Fatal(err)
	}
	return kib
}

// TestCrowdOfClients has 1,000 clients at once who may view, during an attack: some never read, some send a
// byte a second, some wait for events, some ask as fast as they are answered. The daemon makes at least half
// of the turns that its tick makes due, goes on limiting, hears root, and its memory stays within its limit.
func TestCrowdOfClients(t *testing.T) {
	s := newStage(t)
	s.server(everywhere(), capacity)
	record := filepath.Join(s.dir, "record")
	s.write(policyFile{}.viewedBy(s.socket()))
	d := s.start(command("run", "--config", s.config(), "--record", record))
	before := d.status()
	c := startCrowd(t, s.dir, s.socket())
	s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	d.awaitStatus("all sources are limited", limiting(8))
	after := before
	remains(t, 12*time.Second, "root is answered", func() (err error) {
		client := control.Dial(s.socket()) // a new connection each time: no place is held
		defer client.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		after, err = client.Status(ctx)
		return err
	})
	events, err := d.client.Events(t.Context(), 0, 0)
	if err != nil || len(events.Events) == 0 {
		t.Errorf("%d events, %v", len(events.Events), err)
	}
	r := c.leave(t)
	took := after.At.Sub(before.At.Time)
	due := int(took / policy.DefaultTick)
	turns := int(after.Turns.Count - before.Turns.Count)
	if turns < due/2 {
		t.Errorf("%d turns in %v, of %d that were due", turns, took, due)
	}
	if r.Connected < crowdSize || r.Asked == 0 || r.Waited == 0 || r.Cut == 0 {
		t.Errorf("the crowd: %+v", r)
	}
	peak := d.peakMemory()
	if peak > 512<<10 {
		t.Errorf("the daemon took %d KiB, which its unit does not allow", peak)
	}
	d.signal(os.Interrupt)
	<-d.done
	gaps := turnGaps(t, record)
	slices.Sort(gaps)
	if late := gaps[len(gaps)*19/20]; late > 2*policy.DefaultTick {
		t.Errorf("one turn in 20 came %v after the one before or later, with a tick of %v", late, policy.DefaultTick)
	}
	t.Logf("%d turns in %v, %d were due; between two of them %v at the median, %v at the 99th percentile, %v at most; longest turn %v; %d MiB; crowd %+v",
		turns, took, due, gaps[len(gaps)/2], gaps[len(gaps)*99/100], gaps[len(gaps)-1], time.Duration(after.Turns.Longest), peak>>10, r)
}
