package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// historyPolicy is a policy under which a flood is blocked within seconds, and a first block lasts ten minutes.
func (s *stage) historyPolicy() string {
	p := policyFile{history: filepath.Join(s.dir, "state", "history.db")}
	text := p.text(s.socket())
	return strings.Replace(text, `block_after = "0s"`, `block_after = "1s"
  block_for = ["10m", "1h"]`, 1)
}

// blocked is a condition of a status: so many sources are blocked.
func blocked(sources int) func(*control.Status) error {
	return func(s *control.Status) error {
		if got := s.Services[0].BlocksTotal; got != sources {
			return fmt.Errorf("%d sources are blocked, want %d", got, sources)
		}
		return healthy(s)
	}
}

// inForce checks that the kernel holds so many blocks now.
func (s *stage) inForce(blocks int) {
	s.t.Helper()
	rules := s.nft("list set inet ebbgate shop_block4\n")
	if got := strings.Count(rules, " expires "); got != blocks {
		s.t.Errorf("%d blocks are in force, want %d:\n%s", got, blocks, rules)
	}
}

// blockedByFlood is a stage with eight sources blocked, which have given up.
func blockedByFlood(t *testing.T) (*stage, *daemon, *control.Status) {
	t.Helper()
	s := newStage(t)
	s.server(everywhere(), capacity)
	s.write(s.historyPolicy())
	d := s.start(command("run", "--config", s.config()))
	flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	d.awaitStatus("all sources are blocked", blocked(8))
	s.stop(flood)
	status := d.awaitStatus("the attack is over", func(st *control.Status) error {
		if len(st.Services[0].Attacks) > 0 {
			return errors.New("it is open")
		}
		return blocked(8)(st)
	})
	return s, d, status
}

// sameBlocks checks that the blocks are those of before, with their strikes and the time they have left.
func sameBlocks(t *testing.T, before, after *control.Status, down time.Duration) {
	t.Helper()
	was := make(map[string]control.Block)
	for _, b := range before.Services[0].Blocks {
		was[b.Source.String()] = b
	}
	passed := after.At.Sub(before.At.Time) + down
	for _, b := range after.Services[0].Blocks {
		old := was[b.Source.String()]
		left := time.Duration(old.Left) - passed
		if off := time.Duration(b.Left) - left; b.Strikes != old.Strikes || b.Rule != old.Rule || off < -3*time.Second || off > 3*time.Second {
			t.Errorf("%v has %d strikes by %q and %v left, want %d by %q and %v", b.Source, b.Strikes, b.Rule, time.Duration(b.Left), old.Strikes, old.Rule, left)
		}
	}
}

// await the history: what a daemon knows is on the disk within a second or two.
func (s *stage) awaitKept(d *daemon) {
	s.t.Helper()
	d.awaitStatus("it has been running for three seconds more", func() func(*control.Status) error {
		until := d.status().At.Add(3 * time.Second)
		return func(st *control.Status) error {
			if st.At.Before(until) {
				return errors.New("not yet")
			}
			return nil
		}
	}())
}

// TestBlocksSurviveAKill kills the daemon, so that the kernel removes the table with the socket that owns it.
func TestBlocksSurviveAKill(t *testing.T) {
	s, d, before := blockedByFlood(t)
	s.awaitKept(d)
	d.signal(syscall.SIGKILL)
	d.wait()
	s.awaitTable(false)

	d = s.start(command("run", "--config", s.config()))
	after := d.awaitStatus("the blocks are back", blocked(8))
	s.inForce(8)
	sameBlocks(t, before, after, 0)
	all, err := d.client.Attacks(t.Context())
	if err != nil || len(all.Attacks) == 0 || all.Attacks[0].Ended.IsZero() {
		t.Fatalf("the attack of before is not told: %+v, %v", all, err)
	}
	first := all.Attacks[len(all.Attacks)-1]
	one, err := d.client.Attack(t.Context(), first.ID)
	if err != nil || one.Blocked == 0 {
		t.Errorf("the attack of before is told as %+v, %v", one, err)
	}
	samples, err := d.client.Samples(t.Context(), first.ID)
	if err != nil || len(samples.Samples) == 0 {
		t.Errorf("how it went is told as %+v, %v", samples, err)
	}
	newest, _ := strconv.Atoi(all.Attacks[0].ID)

	flood := s.flood(v4(), lab.AttackRange().IPv4(12)[8:], 3000)
	d.awaitStatus("others are blocked as well", blocked(12))
	s.stop(flood)
	all, err = d.client.Attacks(t.Context())
	if id, _ := strconv.Atoi(all.Attacks[0].ID); err != nil || id <= newest {
		t.Errorf("after attack %d comes %s, %v", newest, all.Attacks[0].ID, err)
	}
}

// afterBoot is a command as after a boot that was so long ago: the kernel's id of the boot is another, and
// its clock began anew, in namespaces of the daemon's own.
func (s *stage) afterBoot(id string, ago time.Duration, args ...string) *exec.Cmd {
	s.t.Helper()
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		s.t.Fatal(err)
	}
	var up float64
	if _, err := fmt.Sscan(string(b), &up); err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(s.dir, "boot_id")
	if err := os.WriteFile(path, []byte(id+"\n"), 0o644); err != nil {
		s.t.Fatal(err)
	}
	script := `mount --bind "$1" /proc/sys/kernel/random/boot_id; shift; exec "$@"`
	boottime := fmt.Sprintf("%d", int64(ago.Seconds())-int64(up))
	cmd := command(args...)
	cmd.Args = append([]string{"unshare", "-m", "-T", "--boottime", boottime, "sh", "-e", "-c", script, "sh", path}, cmd.Args...)
	if cmd.Path, err = exec.LookPath("unshare"); err != nil {
		s.t.Fatal(err)
	}
	return cmd
}

// TestBlocksSurviveAReboot stops the daemon and starts it as after a boot: nothing is left in the kernel, and
// its clock has just begun. The time the machine was off counts, as its wall clock tells.
func TestBlocksSurviveAReboot(t *testing.T) {
	s, d, before := blockedByFlood(t)
	d.signal(syscall.SIGTERM)
	d.wait()
	s.awaitTable(false)
	d = s.start(s.afterBoot("another boot", time.Second, "run", "--config", s.config()))
	after := d.awaitStatus("the blocks are back", blocked(8))
	s.inForce(8)
	sameBlocks(t, before, after, 0)
	d.signal(syscall.SIGTERM)
	d.wait()

	// A boot is at least as long ago as its clock says, whatever the wall clock may.
	d = s.start(s.afterBoot("a third boot", 400*time.Second, "run", "--config", s.config()))
	late := d.awaitStatus("the blocks are back", blocked(8))
	if left := time.Duration(late.Services[0].Blocks[0].Left); left > 700*time.Second-400*time.Second || left < 60*time.Second {
		t.Errorf("400 s after boot a block of ten minutes lasts for another %v", left)
	}
	s.inForce(8)
}
