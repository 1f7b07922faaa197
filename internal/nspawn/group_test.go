package nspawn

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"ebbgate/internal/nstest"
)

// TestGroupIsEmptied starts a process that would last, in a group within a group.
func TestGroupIsEmptied(t *testing.T) {
	p := newPlace(t)
	deep := p.group.workers() + "/a/b"
	if err := os.MkdirAll(string(deep), 0o755); err != nil {
		t.Fatal(err)
	}
	in, err := deep.open()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd := exec.Command("sleep", "600")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(in.Fd())}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if some, err := p.group.populated(); err != nil || !some {
		t.Errorf("populated: %t, %v", some, err)
	}
	if err := p.group.emptied(20 * time.Millisecond); err == nil {
		t.Error("a group that holds a process is taken for empty")
	}
	if err := p.remove(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the process was not killed")
	}
	for _, path := range []string{p.dir, string(p.group)} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	if err := p.remove(); err != nil {
		t.Errorf("removing it again: %v", err)
	}
	if _, err := p.group.populated(); err == nil {
		t.Error("one can look into a group that is gone")
	}
	if _, err := p.group.open(); err == nil {
		t.Error("one can open a group that is gone")
	}
}

func TestPlaceThatCannotBe(t *testing.T) {
	temp := t.TempDir()
	if _, err := makePlace(temp, "/proc/nowhere"); err == nil {
		t.Error("a group was made where none can be")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestRefusal(t *testing.T) {
	t.Setenv("CI", "true")
	if said := ending(t, func(tb testing.TB) { nstest.Refuse(tb, syscall.EPERM) }); said == "" {
		t.Error("with CI set what is not permitted does not fail the test")
	}
	t.Setenv("CI", "")
	if said := ending(t, func(tb testing.TB) { nstest.Refuse(tb, syscall.ENOENT) }); said == "" {
		t.Error("what goes wrong does not fail the test")
	}
	r := t.Run("skipped", func(t *testing.T) { nstest.Refuse(t, syscall.EPERM) })
	if !r {
		t.Error("what is not permitted fails the test")
	}
}
