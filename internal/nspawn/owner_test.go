package nspawn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOrphaned(t *testing.T) {
	mine, err := ownName(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	mine = strings.TrimSuffix(mine, "*")
	began, err := beginning(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		mine + "123": false,
		fmt.Sprintf("%s%d-%s9-123", prefix, os.Getpid(), began): true, // another process had this number
		prefix + "9999999-1-123":                                true, // beyond PID_MAX_LIMIT of linux/threads.h
		prefix + "9999999-1-":                                   false,
		prefix + "9999999-123":                                  false,
		prefix + "99999999999-1-123":                            false,
		prefix + "x-1-123":                                      false,
		"other-9999999-1-123":                                   false,
		"x" + prefix + "9999999-1-123":                          false,
		"":                                                      false,
	} {
		if got := orphaned(name); got != want {
			t.Errorf("orphaned(%q) = %t", name, got)
		}
	}
}

func TestBeginningOfNobody(t *testing.T) {
	if at, err := beginning(9999999); err == nil || !strings.Contains(err.Error(), "process 9999999") {
		t.Errorf("%q, %v", at, err)
	}
}

// TestBeginningMindsNames has one with all that could mislead: proc_pid_stat(5) does not quote it.
func TestBeginningMindsNames(t *testing.T) {
	before, err := beginning(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	comm := fmt.Sprintf("/proc/%d/comm", os.Getpid())
	old, err := os.ReadFile(comm)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(comm, []byte("a) S 1 (b c"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(comm, old[:len(old)-1], 0)
	if after, err := beginning(os.Getpid()); err != nil || after != before {
		t.Errorf("%q with an odd name, %q before; %v", after, before, err)
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	orphan, other := prefix+"9999999-1-123", "other"
	for _, name := range []string{orphan, other} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var swept []string
	err := sweep(dir, func(path string) error {
		swept = append(swept, path)
		return unix.EBUSY
	})
	if len(swept) != 1 || swept[0] != filepath.Join(dir, orphan) || !errors.Is(err, unix.EBUSY) {
		t.Errorf("swept %q: %v", swept, err)
	}
	if err := sweep(filepath.Join(dir, "none"), os.RemoveAll); err == nil {
		t.Error("a directory that is not there can be swept")
	}
}
