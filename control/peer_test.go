package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// nobody is a uid and gid without rights; any number will do that no real group has.
const nobody = 65534

// openDir is a directory that others can enter, with the test binary in it: the one the go tool
// builds in is closed to them.
func openDir(t *testing.T) (dir, binary string) {
	t.Helper()
	dir = shortDir(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = self.Close() }()
	binary = filepath.Join(dir, "client")
	out, err := os.OpenFile(binary, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, self); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir, binary
}

// runAs runs the test binary with the given credentials and environment.
func runAs(t *testing.T, binary string, cred *syscall.Credential, env ...string) childAnswer {
	t.Helper()
	cmd := exec.Command(binary)
	cmd.Env = append(env, "GORACE=atexit_sleep_ms=0") // the default is a second
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	permitted(t, err)
	var a childAnswer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatalf("the other process said %q, %q: %v", out, &stderr, err)
	}
	return a
}

// allIDs skips a test that needs other users, where the user namespace has only some.
func allIDs(t *testing.T) {
	t.Helper()
	asRoot(t)
	b, err := os.ReadFile("/proc/self/gid_map")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(string(b)); !slices.Equal(got, []string{"0", "0", "4294967295"}) {
		permitted(t, syscall.EPERM)
	}
}

// anyGroup is a group of the system that is not root's.
func anyGroup(t *testing.T) (name string, gid uint32) {
	t.Helper()
	for id := uint64(1); id < 100; id++ {
		if g, err := user.LookupGroupId(strconv.FormatUint(id, 10)); err == nil {
			return g.Name, uint32(id)
		}
	}
	t.Fatal("the system has no group from 1 to 99")
	return "", 0
}

// TestRealPeers connects as other users. The socket file is opened to all, so that it is the
// daemon who decides; then the mode of the file decides.
func TestRealPeers(t *testing.T) {
	allIDs(t)
	name, gid := anyGroup(t)
	dir, binary := openDir(t)
	path := filepath.Join(dir, "s")
	srv := NewServer(mustListen(t, path, name), quiet())
	if w := srv.socket.Warning(); w != "" {
		t.Fatal(w)
	}
	srv.Publish(peace())
	done := make(chan error, 1) // capacity 1: Run's goroutine ends even if the test failed
	go func() { done <- srv.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for _, tt := range []struct {
		name string
		cred syscall.Credential
		view bool
	}{
		{"root", syscall.Credential{Uid: 0, Gid: 0}, true},
		{"own group", syscall.Credential{Uid: nobody, Gid: gid}, true},
		{"supplementary group", syscall.Credential{Uid: nobody, Gid: nobody, Groups: []uint32{nobody, gid}}, true},
		{"last of very many groups", syscall.Credential{Uid: nobody, Gid: nobody, Groups: append(manyGroups(), gid)}, true},
		{"stranger", syscall.Credential{Uid: nobody, Gid: nobody}, false},
		{"stranger in group root", syscall.Credential{Uid: nobody, Gid: nobody, Groups: []uint32{0}}, false},
	} {
		for _, mode := range []os.FileMode{0o666, 0o660} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			got := runAs(t, binary, &tt.cred, childEnv+"="+path)
			if tt.view != (got.Version == peace().Version) || tt.view == got.Forbidden {
				t.Errorf("%s, mode %o: got %+v, want to be admitted: %v", tt.name, mode, got, tt.view)
			}
			if !tt.view && !strings.Contains(got.Error, strconv.Quote(name)) {
				t.Errorf("%s, mode %o: %q does not name the group %s", tt.name, mode, got.Error, name)
			}
		}
	}
}

// TestUnprivilegedDaemon listens as a user who is, or is not, in the view group: without
// CAP_CHOWN that decides whether the socket can be given to it, or is shared with it.
func TestUnprivilegedDaemon(t *testing.T) {
	allIDs(t)
	name, gid := anyGroup(t)
	dir, binary := openDir(t)
	run := filepath.Join(dir, "run")
	if err := os.Mkdir(run, 0o755); err != nil {
		t.Fatal(err)
	}
	permitted(t, os.Chown(run, nobody, nobody))
	env := []string{childEnv + "=" + filepath.Join(run, "s"), groupEnv + "=" + name}
	probe := filepath.Join(dir, "probe")
	if err := os.WriteFile(probe, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	lists := !errors.Is(grant(probe, gid), unix.EOPNOTSUPP)
	for _, tt := range []struct {
		name   string
		groups []uint32
		shared bool
	}{
		{"member", []uint32{gid}, true},
		{"not a member", nil, lists},
	} {
		got := runAs(t, binary, &syscall.Credential{Uid: nobody, Gid: nobody, Groups: tt.groups}, env...)
		mode, warning := os.FileMode(0o660), ""
		if !tt.shared {
			mode, warning = 0o600, fmt.Sprintf("control.view_group %q", name)
		}
		if got.Error != "" || got.Mode != mode || (got.Warning == "") != (warning == "") || !strings.HasPrefix(got.Warning, warning) {
			t.Errorf("%s: got %+v, want mode %o and warning %q", tt.name, got, mode, warning)
		}
		if left := names(t, run); left != "" {
			t.Errorf("%s: left behind: %q", tt.name, left)
		}
	}
}

// manyGroups is more than the first try of SO_PEERGROUPS has room for.
func manyGroups() []uint32 {
	var all []uint32
	for i := range uint32(1000) {
		all = append(all, 200_000+i)
	}
	return all
}

func TestPeerOfOurselves(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	client, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	got, err := kernelCredentials{}.peer(server)
	if err != nil {
		t.Fatal(err)
	}
	if got.PID != int32(os.Getpid()) || got.UID != uint32(os.Getuid()) || got.GID != uint32(os.Getgid()) {
		t.Errorf("got %+v", got)
	}
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	var want []uint32
	for _, g := range groups {
		want = append(want, uint32(g))
	}
	slices.Sort(want)
	slices.Sort(got.Groups)
	if !slices.Equal(got.Groups, want) {
		t.Errorf("groups %v, want %v", got.Groups, want)
	}
}

func TestPeerNeedsASocket(t *testing.T) {
	a, b := net.Pipe()
	defer func() { _, _ = a.Close(), b.Close() }()
	if _, err := (kernelCredentials{}).peer(a); err == nil {
		t.Error("a pipe has credentials")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	if p, err := peerOf(int(r.Fd())); err == nil {
		t.Errorf("a pipe has credentials: %+v", p)
	}
}
