package main

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestReaderIsWarnedOf compares the warning with what files of every mode and owner allow. The tests run
// as whoever owns the files: the reader is made up around that.
func TestReaderIsWarnedOf(t *testing.T) {
	me, mine := uint32(os.Geteuid()), uint32(os.Getegid())
	owner := reader{name: "ebbgate", uid: me, gids: []uint32{mine + 1}}
	member := reader{name: "ebbgate", uid: me + 1, gids: []uint32{mine + 1, mine}}
	stranger := reader{name: "ebbgate", uid: me + 1, gids: []uint32{mine + 1}}
	top := t.TempDir()
	for dir := top; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		noError(t, os.Chmod(dir, 0o755))
	}
	for _, tt := range []struct {
		name      string
		file, dir os.FileMode
		reader    *reader
		want      string // FILE and DIR stand for them; empty: no warning
	}{
		{"the package's own", 0o640, 0o750, &member, ""},
		{"written by root under umask 077", 0o600, 0o750, &member, "may not read this file, so the daemon could not: chgrp ebbgate FILE; chmod 640 FILE"},
		{"the wrong group", 0o640, 0o755, &stranger, "may not read this file"},
		{"everybody's", 0o644, 0o755, &stranger, ""},
		{"root's home", 0o644, 0o700, &stranger, "may not enter DIR, so the daemon could not read this file: put it into /etc/ebbgate"},
		{"his own", 0o400, 0o700, &owner, ""},
		{"his own, for everybody else", 0o044, 0o755, &owner, "may not read this file"},
		{"his group's, for everybody else", 0o604, 0o755, &member, "may not read this file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(top, strings.ReplaceAll(tt.name, " ", "-"))
			noError(t, os.Mkdir(dir, 0o755))
			file := filepath.Join(dir, "config.toml")
			noError(t, os.WriteFile(file, nil, 0o600))
			noError(t, os.Chmod(file, tt.file))
			noError(t, os.Chmod(dir, tt.dir))
			got := strings.Join(tt.reader.warning(file), "\n")
			want := strings.NewReplacer("FILE", file, "DIR", dir).Replace(tt.want)
			if (got == "") != (want == "") || !strings.Contains(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

func TestReaderOfAFileThatIsGone(t *testing.T) {
	r := reader{name: "ebbgate", uid: 1}
	if got := r.warning(filepath.Join(t.TempDir(), "gone")); got != nil {
		t.Errorf("%q", got)
	}
}

// TestReaderByAccessControlList has a list let in whom the mode would not.
func TestReaderByAccessControlList(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	noError(t, os.WriteFile(file, nil, 0o600))
	r := reader{name: "ebbgate", uid: uint32(os.Geteuid()) + 1, gids: []uint32{uint32(os.Getegid()) + 1}}
	if r.may(file, mayRead) {
		t.Fatal("anybody may read a file of mode 0600")
	}
	// As in linux/posix_acl_xattr.h: version 2, then tag, permissions and id of the owner, a user, the owning group,
	// the mask and everybody.
	list := []byte{2, 0, 0, 0}
	for _, e := range []struct {
		tag, permission byte
		id              uint32
	}{{1, 6, 1<<32 - 1}, {2, 4, r.uid}, {4, 0, 1<<32 - 1}, {16, 4, 1<<32 - 1}, {32, 0, 1<<32 - 1}} {
		list = append(list, e.tag, 0, e.permission, 0, byte(e.id), byte(e.id>>8), byte(e.id>>16), byte(e.id>>24))
	}
	if err := unix.Setxattr(file, "system.posix_acl_access", list, 0); err != nil {
		t.Skipf("no access control lists here: %v", err)
	}
	if !r.may(file, mayRead) {
		t.Error("a warning that may be wrong")
	}
}

func TestReaderOf(t *testing.T) {
	root, err := user.LookupId("0")
	noError(t, err)
	r, err := readerOf(root)
	if err != nil || r.name != root.Username || r.uid != 0 || len(r.gids) == 0 || strconv.Itoa(int(r.gids[0])) != root.Gid {
		t.Errorf("%+v, %v", r, err)
	}
	for _, u := range []user.User{{Uid: "x", Gid: "0"}, {Uid: "0", Gid: "-1", Username: root.Username}} {
		if r, err := readerOf(&u); err == nil {
			t.Errorf("%+v of %+v", r, u)
		}
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
