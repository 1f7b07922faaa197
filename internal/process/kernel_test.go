package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

// inodeOf returns the inode of an open socket.
func inodeOf(t *testing.T, fd int) uint32 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	return uint32(st.Ino)
}

func TestKernelHoldersFindThisProcess(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	inode := inodeOf(t, fd)
	got, _, err := Holders(t.Context(), set(inode))
	if err != nil {
		t.Fatal(err)
	}
	if len(got[inode]) != 1 {
		t.Fatalf("got %v, want this process", got)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	h := got[inode][0]
	if h.PID != os.Getpid() || h.Exe != exe || !strings.HasPrefix(filepath.Base(exe), h.Name) || h.FileLimit != limit.Cur || h.Files < 4 {
		t.Errorf("got %+v, want process %d, %s, limit %d", h, os.Getpid(), exe, limit.Cur)
	}
}

// A child that was given the descriptor holds the socket too, and is found after its parent ended
// or closed it.
func TestKernelHoldersFindAChild(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	inode := inodeOf(t, fd)
	file := os.NewFile(uintptr(fd), "socket")
	child := exec.Command("sleep", "60")
	child.ExtraFiles = []*os.File{file}
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	var got []Holder
	nstest.Await(t, "the child to run its program", func() bool {
		found, _, err := Holders(t.Context(), set(inode))
		if err != nil {
			t.Fatal(err)
		}
		got = found[inode]
		return len(got) == 1 && got[0].Name == "sleep"
	})
	if got[0].PID != child.Process.Pid {
		t.Errorf("got %+v, want the child, %d", got, child.Process.Pid)
	}
}
