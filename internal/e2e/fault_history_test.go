package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/control"
	"ebbgate/internal/fault"
)

// disk is a small file system of the program's own, below a directory.
type disk struct {
	*faulty
	dir    string
	orders int // given so far, each of which is to be kept
}

// newDisk is a stage whose program keeps its history on a file system of half a megabyte.
func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{dir: t.TempDir()}
	const script = `mount -t tmpfs -o size=512k,mode=0755 tmpfs "$0" && exec "$@"`
	d.faulty = newFaultyBy(t, policyFile{history: filepath.Join(d.dir, "history.db")}, "", false, func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"unshare", "--mount", "sh", "-c", script, d.dir}, cmd.Args...)
		if cmd.Path, cmd.Err = exec.LookPath("unshare"); cmd.Err != nil {
			t.Fatal(cmd.Err)
		}
	})
	return d
}

// at is a path on the disk, as seen from here.
func (d *disk) at(name string) string {
	return filepath.Join(fmt.Sprintf("/proc/%d/root", d.daemon.cmd.Process.Pid), d.dir, name)
}

// order gives the program something to keep.
func (d *disk) order() {
	d.t.Helper()
	d.orders++
	ctx, cancel := context.WithTimeout(d.t.Context(), long)
	defer cancel()
	if _, err := d.daemon.client.Exempt(ctx, control.ExemptRequest{Prefix: fmt.Sprintf("198.51.100.%d", d.orders),
		For: control.Duration(time.Hour), Reason: strings.Repeat("x", control.MaxReason)}); err != nil {
		d.t.Fatal(err)
	}
}

// TestHistoryFails: the disk is full, fails, or can only be read, the file is damaged or removed, while a
// flood is held. What the program knows holds meanwhile.
func TestHistoryFails(t *testing.T) {
	d := newDisk(t)
	d.order()
	d.awaitWell()
	filler, err := os.Create(d.at("filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer filler.Close()
	for err == nil {
		_, err = filler.Write(make([]byte, 4<<10))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	d.awaitStatusLong("so much is to be kept that it needs more of the disk", func(s *control.Status) error {
		if len(s.Faults) == 0 && d.orders < 200 {
			d.order()
			return errors.New("it has room")
		}
		return nil
	})
	d.awaitFault("history", "no space left on device")
	d.served(d.clients, 5)
	if err := os.Remove(d.at("filler")); err != nil {
		t.Fatal(err)
	}
	if err := filler.Close(); err != nil {
		t.Fatal(err)
	}
	d.awaitWell()
	for _, errno := range []unix.Errno{unix.EIO, unix.EROFS} {
		f := d.Inject(fault.Rule{Call: fault.Write, Path: "history.db", Errno: errno})
		d.order()
		d.awaitFault("history", errno.Error())
		d.served(d.clients, 5)
		f.End()
		d.awaitWell()
	}
	d.checkKept()
	d.checkInnocent()
}

// checkKept checks that all orders are in force, and, after a crash, in force again.
func (d *disk) checkKept() {
	d.t.Helper()
	all := func(s *control.Status) error {
		if n := len(s.Exempt); n != d.orders {
			return fmt.Errorf("%d of %d orders are in force", n, d.orders)
		}
		return nil
	}
	if err := all(d.daemon.status()); err != nil {
		d.t.Error(err)
	}
	d.awaitKept(d.daemon)
	copied := filepath.Join(d.stage.dir, "kept.db")
	b, err := os.ReadFile(d.at("history.db"))
	if err == nil {
		err = os.WriteFile(copied, b, 0o600)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.daemon.signal(unix.SIGKILL)
	d.daemon.wait()
	d.write(policyFile{history: copied}.text(d.socket()))
	d.daemon = d.start(command("run", "--config", d.config()))
	d.awaitStatusLong("what was kept is in force again", func(s *control.Status) error { return errors.Join(all(s), healthy(s)) })
}

// TestHistoryIsLost: its file is damaged, or removed, while it is open, which is said as long as it is so.
func TestHistoryIsLost(t *testing.T) {
	d := newDisk(t)
	d.order()
	d.awaitKept(d.daemon)
	path, aside := d.at("history.db"), d.at("aside")
	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	d.awaitFault("history", "removed or replaced")
	d.served(d.clients, 5)
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
	d.awaitWell()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] = 0xa5
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteAt(b, 0)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	d.order()
	d.awaitFault("history", "")
	t.Logf("damaged: %+v", d.daemon.status().Faults)
	d.served(d.clients, 20)
	d.awaitStatusLong("all sources are limited", func(s *control.Status) error {
		if n := s.Services[0].LimitsTotal; n != d.sources || len(s.Exempt) != d.orders {
			return fmt.Errorf("%d sources are limited, %d exempt", n, len(s.Exempt))
		}
		return nil
	})
	d.checkInnocent()
}
