package login

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/policy"
)

const sessionsDir = "run/systemd/sessions/"

// session builds what is expected.
func session(from string, root bool, groups ...string) policy.Session {
	return policy.Session{From: netip.MustParseAddr(from), Root: root, Groups: groups}
}

func TestSessionsOfLogind(t *testing.T) {
	r := host(t, map[string]string{
		sessionsDir + "1":          record("REMOTE_HOST=198.51.100.9"),
		sessionsDir + "c2":         record("UID=1000"),
		sessionsDir + "3":          record("UID=1000"), // a second login of the same
		sessionsDir + "4":          record("UID=1001"), // of the same address, an ordinary user
		sessionsDir + "5":          record("UID=1002", "REMOTE_HOST=2001:db8::5"),
		sessionsDir + "6":          record("REMOTE_HOST=root.example.net"),
		sessionsDir + "7":          record("REMOTE=0"),
		sessionsDir + "8":          record("STATE=closing", "REMOTE_HOST=192.0.2.8"),
		sessionsDir + ".#session9": record("REMOTE_HOST=192.0.2.9"), // being written
		sessionsDir + "root@pts-0": record("REMOTE_HOST=192.0.2.10"),
		"run/utmp":                 string(utmpEntry(layoutOf("amd64"), 7, 1, "pts/0", "root", "192.0.2.11", "")),
	})
	if err := unix.Mkfifo(filepath.Join(r.root, sessionsDir, "1.ref"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := r.Sessions(nil)
	want := []policy.Session{
		session("192.0.2.7", false, "ada", "sudo", "wheel"),
		session("192.0.2.7", false, "eve"),
		session("198.51.100.9", true, "root", "sudo"),
		session("2001:db8::5", false),
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

// TestSessionsNobody is what an attacker without a login has: connections to sshd, which leave no record,
// and names.
func TestSessionsNobody(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no records at all":   {},
		"logind, no sessions": {sessionsDir + "1.ref": ""},
		"names": {sessionsDir + "1": record("REMOTE_HOST=192.0.2.7.attacker.example"),
			sessionsDir + "2": record("REMOTE_HOST=localhost"), sessionsDir + "192": record("SERVICE=192.0.2.7")},
		"utmp, names":                       {"run/utmp": string(utmpEntry(layoutOf("amd64"), 7, 1, "pts/0", "root", "192.0.2.7.attacker.example", "192.0.2.7"))},
		"utmp, a user passwd does not know": {"run/utmp": string(utmpEntry(layoutOf("amd64"), 7, 1, "pts/0", "root\n", "192.0.2.7", ""))},
	} {
		r := host(t, files)
		r.layout = layoutOf("amd64")
		if got, err := r.Sessions([]string{"sudo"}); err != nil || len(got) != 0 {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestSessionsOfUtmp(t *testing.T) {
	l := layoutOf("amd64")
	r := host(t, map[string]string{"run/utmp": string(slices.Concat(
		utmpEntry(l, 2, 0, "~", "reboot", "6.18.5", ""),
		utmpEntry(l, 7, 10, "pts/0", "root", "192.0.2.1", "192.0.2.1"),
		utmpEntry(l, 7, 11, "pts/1", "eve", "192.0.2.2", ""),
		utmpEntry(l, 7, 12, "pts/2", "root", "192.0.2.3", ""),
		utmpEntry(l, 7, 13, "pts/3", "toor", "192.0.2.4", "")))})
	r.layout, r.alive = l, func(pid int32) bool { return pid != 12 }
	got, err := r.Sessions(nil)
	want := []policy.Session{session("192.0.2.1", true, "root", "sudo"), session("192.0.2.2", false, "eve"), session("192.0.2.4", true, "root", "sudo")}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSessionsNotBelieved(t *testing.T) {
	one := map[string]string{sessionsDir + "1": record()}
	utmp := map[string]string{"run/utmp": string(utmpEntry(layoutOf("amd64"), 7, 1, "pts/0", "root", "192.0.2.7", ""))}
	tests := []struct {
		name  string
		files map[string]string
		spoil func(r *Reader, at string) error
		at    string
		want  string
	}{
		{"record of another owner", one, func(r *Reader, at string) error { return os.Chown(at, 4242, -1) }, sessionsDir + "1", "belongs to user 4242"},
		{"record everybody may write", one, func(r *Reader, at string) error { return os.Chmod(at, 0o666) }, sessionsDir + "1", "may write"},
		{"record is a link", one, func(r *Reader, at string) error {
			return errors.Join(os.Rename(at, at+"-"), os.Symlink(at+"-", at))
		}, sessionsDir + "1", "symbolic"},
		{"record is a FIFO", one, func(r *Reader, at string) error {
			return errors.Join(os.Remove(at), unix.Mkfifo(at, 0o600))
		}, sessionsDir + "1", "file type"},
		{"record too long", one, func(r *Reader, at string) error {
			return os.WriteFile(at, []byte(record()+strings.Repeat("#\n", maxRecord/2)), 0o644)
		}, sessionsDir + "1", "longer than"},
		{"directory everybody may write", one, func(r *Reader, at string) error { return os.Chmod(at, 0o777) }, sessionsDir, "may write"},
		{"directory of another owner", one, func(r *Reader, at string) error { return os.Chown(at, 4242, -1) }, sessionsDir, "belongs to"},
		{"utmp everybody may write", utmp, func(r *Reader, at string) error { return os.Chmod(at, 0o666) }, "run/utmp", "may write"},
		{"utmp of another owner", utmp, func(r *Reader, at string) error { return os.Chown(at, 4242, -1) }, "run/utmp", "belongs to"},
		{"utmp cut short", utmp, func(r *Reader, at string) error { return os.Truncate(at, 383) }, "run/utmp", "left over"},
	}
	for _, tt := range tests {
		r := host(t, tt.files)
		r.layout = layoutOf("amd64")
		if err := tt.spoil(r, filepath.Join(r.root, tt.at)); errors.Is(err, fs.ErrPermission) && os.Getenv("CI") == "" {
			continue // giving files away takes privilege
		} else if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Sessions(nil); len(got) != 0 || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %+v, %v; want an error with %q", tt.name, got, err, tt.want)
		}
	}
}

func TestSessionsBound(t *testing.T) {
	files := map[string]string{}
	for i := range MaxSessions + 50 {
		files[fmt.Sprint(sessionsDir, 1000+i)] = record("UID=1001", fmt.Sprintf("REMOTE_HOST=10.0.%d.%d", i>>8, i&255))
	}
	files[sessionsDir+"9998"] = record("REMOTE_HOST=203.0.113.1")
	files[sessionsDir+"9999"] = record("UID=1000", "REMOTE_HOST=203.0.113.2")
	r := host(t, files)
	got, err := r.Sessions([]string{"wheel"})
	if err == nil || !strings.Contains(err.Error(), "52 of them") || len(got) != MaxSessions {
		t.Fatalf("%d sessions, %v", len(got), err)
	}
	last := from(got[MaxSessions-2:])
	if !slices.Equal(last, []string{"203.0.113.1", "203.0.113.2"}) || !slices.IsSortedFunc(got, compare) {
		t.Errorf("the last are %v: root's and the preferred group's were to be kept, all in order", last)
	}
}

func TestSessionsManyRecords(t *testing.T) {
	files := map[string]string{}
	for i := range maxRecords + 1 {
		files[fmt.Sprint(sessionsDir, 10000+i)] = record(fmt.Sprintf("REMOTE_HOST=10.0.0.%d", i%8))
	}
	got, err := host(t, files).Sessions(nil)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(maxRecords)) || len(got) != 8 {
		t.Errorf("%d sessions, %v", len(got), err)
	}
}

func BenchmarkSessions(b *testing.B) {
	for _, n := range []int{1, 32, MaxSessions} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			files := map[string]string{}
			for i := range n {
				files[fmt.Sprint(sessionsDir, 1000+i)] = record(fmt.Sprintf("REMOTE_HOST=10.0.%d.%d", i>>8, i&255))
			}
			r := host(b, files)
			for b.Loop() {
				if got, err := r.Sessions(nil); err != nil || len(got) != n {
					b.Fatalf("%d sessions, %v", len(got), err)
				}
			}
		})
	}
}
