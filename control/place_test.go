package control

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestListenWhereTheDaemonMayNotWrite has a daemon without root's rights put its socket beside the directory it
// was given.
func TestListenWhereTheDaemonMayNotWrite(t *testing.T) {
	allIDs(t)
	dir, binary := openDir(t)
	for name, tt := range map[string]struct{ path, at, cause string }{
		"in a directory of root's":     {dir + "/s", dir, "open lock file"},
		"in a directory not yet there": {dir + "/new/s", dir + "/new", "make directory of control socket"},
	} {
		a := runAs(t, binary, &syscall.Credential{Uid: nobody, Gid: nobody}, childEnv+"="+tt.path, groupEnv+"=nobody-of-this-name")
		for _, want := range []string{tt.cause, "permission denied: the daemon must be able to write to " + tt.at + ", where the policy has control.socket",
			"that is /run/ebbgate, ", "(BindPaths=" + tt.at + ")"} {
			if !strings.Contains(a.Error, want) {
				t.Errorf("%s: %q lacks %q", name, a.Error, want)
			}
		}
		if strings.Contains(a.Error, "\n") {
			t.Errorf("%s: more than one line: %q", name, a.Error)
		}
	}
}

// TestListenWhereNothingIs: a sandbox hides what is not the service's.
func TestListenWhereNothingIs(t *testing.T) {
	hidden := filepath.Join(shortDir(t), "no", "such")
	_, err := Listen(filepath.Join(hidden, "s"), "")
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasSuffix(err.Error(), "(BindPaths="+hidden+")") {
		t.Errorf("%v", err)
	}
}

// TestListenOnlyAdvisesWhereItHelps: what keeps the daemon from listening for another reason is said as it is.
func TestListenOnlyAdvisesWhereItHelps(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, ""); !errors.Is(err, ErrNotSocket) || strings.Contains(err.Error(), "BindPaths") {
		t.Errorf("%v", err)
	}
}
