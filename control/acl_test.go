package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestGrantDecidesWhoConnects lets the kernel judge: nobody is root here, and the file belongs to
// neither of the groups.
func TestGrantDecidesWhoConnects(t *testing.T) {
	allIDs(t)
	name, gid := anyGroup(t)
	dir, binary := openDir(t)
	path := filepath.Join(dir, "s")
	srv := NewServer(mustListen(t, path, ""), quiet())
	srv.viewers = group{name: "viewers", gid: gid, known: true}
	srv.Publish(peace())
	done := make(chan error, 1) // capacity 1: Run's goroutine ends even if the test failed
	go func() { done <- srv.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	member := syscall.Credential{Uid: nobody, Gid: nobody, Groups: []uint32{gid}}
	if got := runAs(t, binary, &member, childEnv+"="+path); got.Version != "" {
		t.Fatalf("a member is admitted before it is granted: %+v", got)
	}
	if err := grant(path, gid); errors.Is(err, unix.EOPNOTSUPP) {
		t.Skipf("the file system of %s: %v", dir, err)
	} else if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v; want 0660", info.Mode(), err)
	}
	if got := runAs(t, binary, &member, childEnv+"="+path); got.Version != peace().Version {
		t.Errorf("a member is not admitted: %+v", got)
	}
	stranger := syscall.Credential{Uid: nobody, Gid: nobody}
	want := fmt.Sprintf("members of group %q", name)
	if got := runAs(t, binary, &stranger, childEnv+"="+path); !got.Forbidden || got.Version != "" || !strings.Contains(got.Error, want) {
		t.Errorf("a stranger got %+v, want to read %q", got, want)
	}
}

func TestGranted(t *testing.T) {
	path := filepath.Join(shortDir(t), "f")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if gid, ok := granted(path); ok {
		t.Errorf("granted to %d before anybody did", gid)
	}
	gid := uint32(os.Getgid())
	if err := grant(path, gid); errors.Is(err, unix.EOPNOTSUPP) {
		t.Skipf("the file system of %s: %v", path, err)
	} else if err != nil {
		t.Fatal(err)
	}
	if got, ok := granted(path); !ok || got != gid {
		t.Errorf("granted to %d, %v; want %d", got, ok, gid)
	}
	other := groupACL(gid)
	other[4+8+2] = aclReadWrite // the file's own group too: not what grant writes
	if err := unix.Setxattr(path, aclName, other, 0); err != nil {
		t.Fatal(err)
	}
	if _, ok := granted(path); ok {
		t.Error("somebody else's list is taken for ours")
	}
}

func TestGrantRefused(t *testing.T) {
	if err := grant(filepath.Join(shortDir(t), "none"), 1); !errors.Is(err, unix.ENOENT) {
		t.Errorf("no such file: %v", err)
	}
	if err := grant("/proc/self/comm", 1); !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("procfs has no such lists: %v", err)
	}
}
