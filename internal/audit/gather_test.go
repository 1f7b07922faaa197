package audit

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// procTree is a tree that stands in for /proc.
func procTree() map[string]string {
	files := map[string]string{
		"sys/kernel/osrelease":         "6.18.0-test\n",
		netstatFile:                    "TcpExt: " + strings.Join(counterColumns(), " ") + "\nTcpExt: 1 2 3 4 5 6 7 8\n",
		sockstatFile:                   "sockets: used 13\nTCP: inuse 1 orphan 2 tw 3 alloc 4 mem 5\n",
		synProxyFile:                   "entries syn_received\n00000000 00000003\n",
		sysctlPath(reservedPorts):      "8080,9000-9010\n",
		"sys/net/ipv4/a_new_one":       "1\n",
		"sys/net/core/another_new_one": "1\n",
	}
	for _, s := range sysctlSpecs() {
		files[sysctlPath(s.name)] = strings.Repeat("7\t", s.numbers) + "\n"
	}
	return files
}

func readProc(t *testing.T, files map[string]string) *Facts {
	t.Helper()
	var f Facts
	p := procfs(tree(t, files))
	p.settings(&f)
	f.Counters = p.counters(&f)
	p.sockets(&f)
	p.synProxy(&f)
	return &f
}

func TestProcTree(t *testing.T) {
	f := readProc(t, procTree())
	if len(f.Unread) > 0 {
		t.Errorf("unread %v", f.Unread)
	}
	for _, s := range sysctlSpecs() {
		if got := f.Sysctls[s.name]; !slices.Equal(got, slices.Repeat([]uint64{7}, s.numbers)) {
			t.Errorf("%s: %v", s.name, got)
		}
	}
	if f.Kernel != "6.18.0-test" || f.SynProxied != 3 || f.Sockets["tw"] != 3 || f.Counters["SyncookiesSent"] != 1 || f.Counters["TCPAbortOnMemory"] != 8 {
		t.Errorf("%+v", f)
	}
	if want := []policy.PortRange{{First: 8080, Last: 8080}, {First: 9000, Last: 9010}}; !slices.Equal(f.Reserved, want) {
		t.Errorf("reserved %v", f.Reserved)
	}
}

// TestProcTreeWithoutAFile takes each file away in turn. Its absence is named, or is that of a
// module that is not loaded, and costs nothing else.
func TestProcTreeWithoutAFile(t *testing.T) {
	silent := map[string]bool{"sys/kernel/osrelease": true, synProxyFile: true, "sys/net/ipv4/a_new_one": true, "sys/net/core/another_new_one": true}
	for _, s := range sysctlSpecs() {
		silent[sysctlPath(s.name)] = s.absent == ""
	}
	for name := range procTree() {
		files := procTree()
		delete(files, name)
		f := readProc(t, files)
		if want := !silent[name]; (len(f.Unread) == 1) != want || len(f.Unread) > 1 {
			t.Errorf("without %s: unread %v", name, f.Unread)
		}
		Examine(f, nil)
	}
}

func TestProcTreeOfNonsense(t *testing.T) {
	tests := []struct{ name, file, text, subject, reason string }{
		{"no number", sysctlPath(somaxconn), "many", somaxconn, `"many" is not a number`},
		{"empty", sysctlPath(tcpMem), "", tcpMem, "3 numbers expected"},
		{"no ports", sysctlPath(reservedPorts), "x", reservedPorts, "neither a port"},
		{"endless", sysctlPath(reservedPorts), strings.Repeat("1,", maxProcFile), reservedPorts, "longer than"},
		{"an old kernel's counters", netstatFile, "TcpExt: ListenDrops\nTcpExt: 1\n", "/proc/net/netstat", "does not count SyncookiesSent"},
		{"broken counters", netstatFile, "TcpExt:\nx", "/proc/net/netstat", "followed by"},
		{"no TCP", sockstatFile, "sockets: used 1\n", "/proc/net/sockstat", "no line TCP"},
		{"another SYNPROXY", synProxyFile, "entries\n0\n", "/proc/net/stat/synproxy", "no column"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := procTree()
			files[tt.file] = tt.text
			f := readProc(t, files)
			if len(f.Unread) == 0 || f.Unread[0].Subject != tt.subject || !strings.Contains(f.Unread[0].Reason, tt.reason) {
				t.Errorf("unread %v", f.Unread)
			}
		})
	}
}

func TestProcFileOnlyOthersMayRead(t *testing.T) {
	root := tree(t, procTree())
	path := filepath.Join(root, sysctlPath(somaxconn))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil { // reading it fails, for root too
		t.Fatal(err)
	}
	var f Facts
	procfs(root).settings(&f)
	if want := []Unread{{somaxconn, "is a directory"}}; !slices.Equal(f.Unread, want) {
		t.Errorf("unread %v, want %v", f.Unread, want)
	}
}

// TestGatherFromTree reads a tree in place of /proc and /etc, and the sockets and rules of an
// empty namespace.
func TestGatherFromTree(t *testing.T) {
	nstest.Enter(t)
	etc := tree(t, map[string]string{"etc/sysctl.conf": "net.core.somaxconn = 1\n"})
	f, err := Gather(context.Background(), Options{Proc: tree(t, procTree()), Root: etc, Sample: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Unread) > 0 || len(f.Listeners) > 0 || len(f.Chains) > 0 || !f.SocketsKnown || !f.ChainsKnown {
		t.Errorf("%+v", f)
	}
	if f.Window < time.Millisecond || f.Recent["SyncookiesSent"] != 0 || len(f.Recent) != len(counterColumns()) {
		t.Errorf("in %s: %v", f.Window, f.Recent)
	}
	if len(f.Settings) != 1 || f.Settings[0].File != "/etc/sysctl.conf" {
		t.Errorf("settings %v", f.Settings)
	}
}

func TestGatherFromNothing(t *testing.T) {
	nstest.Enter(t)
	f, err := Gather(context.Background(), Options{Proc: t.TempDir(), Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Unread) == 0 || len(f.Sysctls) > 0 {
		t.Errorf("%+v", f)
	}
	for _, x := range Examine(f, nil) {
		if x.Severity > Unknown {
			t.Errorf("%s: %s", x.Severity, x.words())
		}
	}
}

func TestGatherStops(t *testing.T) {
	nstest.Enter(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Gather(ctx, Options{Sample: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestDifference(t *testing.T) {
	got := difference(map[string]uint64{"a": 1, "b": 5, "gone": 1}, map[string]uint64{"a": 4, "b": 2, "new": 9})
	if want := map[string]uint64{"a": 3}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v: a counter that went back was made anew", got, want)
	}
}

func TestCause(t *testing.T) {
	if got := cause(&fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission}); got != "permission denied" {
		t.Error(got)
	}
	if got := cause(errors.New("other")); got != "other" {
		t.Error(got)
	}
}
