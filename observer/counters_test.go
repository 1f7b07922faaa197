package observer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ebbgate/policy"
)

// fixtureReader reads fixtures in place of /proc. An empty path leaves the file out.
func fixtureReader(t *testing.T, snmp, netstat, synCookies string) *counterReader {
	t.Helper()
	r := &counterReader{}
	if err := r.open(); err != nil {
		t.Fatal(err)
	}
	replace(t, &r.snmp, snmp)
	replace(t, &r.netstat, netstat)
	replace(t, &r.synCookies, synCookies)
	t.Cleanup(func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func replace(t *testing.T, f **procFile, path string) {
	t.Helper()
	if err := (*f).close(); err != nil {
		t.Fatal(err)
	}
	*f = nil
	if path == "" {
		return
	}
	var err error
	if *f, err = openProcFile(path); err != nil {
		t.Fatal(err)
	}
}

// file writes content to a file of the test's own.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCounters(t *testing.T) {
	snmp := "testdata/snmp-6.18"
	tests := []struct {
		name          string
		snmp, netstat string
		cookies       string
		want          policy.Counters
		faults        []string // a part of each, in order
		again         int      // faults of a second reading
	}{
		{"6.18", snmp, "testdata/netstat-6.18", file(t, "1\n"),
			policy.Counters{Valid: true, CurrEstab: 4009, PassiveOpens: 4006, AttemptFails: 4007, CookiesSent: 1001, CookiesValid: 1002,
				CookiesFailed: 1003, ListenOverflows: 1023, ListenDrops: 1024, QueueFullDrops: 1080, SynCookies: 1}, nil, 0},
		{"older kernel", snmp, "testdata/netstat-older", file(t, "2\n"),
			policy.Counters{Valid: true, CurrEstab: 4009, PassiveOpens: 4006, AttemptFails: 4007, CookiesSent: 33, CookiesValid: 44, ListenDrops: 22, SynCookies: 2},
			[]string{"does not count ListenOverflows, SyncookiesFailed, TCPReqQFullDrop"}, 0},
		{"newer kernel", snmp, "testdata/netstat-newer", file(t, "0\n"),
			policy.Counters{Valid: true, CurrEstab: 4009, PassiveOpens: 4006, AttemptFails: 4007, CookiesSent: 31, CookiesValid: 32,
				CookiesFailed: 33, ListenOverflows: 34, ListenDrops: 1<<64 - 1, QueueFullDrops: 35, SynCookies: 0}, nil, 0},
		{"no SYN cookies in this kernel", snmp, "testdata/netstat-newer", "",
			policy.Counters{Valid: true, CurrEstab: 4009, PassiveOpens: 4006, AttemptFails: 4007, CookiesSent: 31, CookiesValid: 32,
				CookiesFailed: 33, ListenOverflows: 34, ListenDrops: 1<<64 - 1, QueueFullDrops: 35, SynCookies: -1}, []string{"CONFIG_SYN_COOKIES"}, 0},
		{"no CurrEstab", file(t, "Tcp: PassiveOpens\nTcp: 5\n"), "testdata/netstat-newer", file(t, "1\n"),
			policy.Counters{SynCookies: 1}, []string{"no column CurrEstab in table Tcp"}, 1},
		{"malformed snmp", file(t, "Tcp: CurrEstab\n"), "testdata/netstat-newer", file(t, "1\n"),
			policy.Counters{SynCookies: 1}, []string{"followed by"}, 1},
		{"malformed netstat", snmp, file(t, "TcpExt: ListenDrops\nTcpExt: many\n"), file(t, "1\n"),
			policy.Counters{SynCookies: 1}, []string{`ListenDrops of table TcpExt is "many", not a number`}, 1},
		{"everything unreadable", file(t, "x"), file(t, "x"), file(t, "x"),
			policy.Counters{SynCookies: -1}, []string{"followed by", "invalid syntax"}, 2},
		{"SYN cookies out of range", snmp, "testdata/netstat-6.18", file(t, "3\n"),
			policy.Counters{Valid: true, CurrEstab: 4009, PassiveOpens: 4006, AttemptFails: 4007, CookiesSent: 1001, CookiesValid: 1002,
				CookiesFailed: 1003, ListenOverflows: 1023, ListenDrops: 1024, QueueFullDrops: 1080, SynCookies: -1}, []string{"3 is none of 0, 1, 2"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := fixtureReader(t, tt.snmp, tt.netstat, tt.cookies)
			got, faults := r.read()
			got.ConntrackCount, got.ConntrackMax = 0, 0 // of the machine
			if got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if len(faults) != len(tt.faults) {
				t.Fatalf("faults %q, want %q", faults, tt.faults)
			}
			for i, f := range faults {
				if !strings.Contains(f.Text, tt.faults[i]) {
					t.Errorf("fault %q does not say %q", f.Text, tt.faults[i])
				}
			}
			if _, faults := r.read(); len(faults) != tt.again {
				t.Errorf("faults of the second reading: %q, want %d", faults, tt.again)
			}
		})
	}
}

func TestReadOptional(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nf_conntrack_count")
	var f *procFile
	defer func() {
		if err := f.close(); err != nil {
			t.Error(err)
		}
	}()
	if n, err := readOptional(&f, path); n != 0 || err != nil || f != nil {
		t.Fatalf("before it exists: %d, %v", n, err)
	}
	for _, content := range []string{"12345\n", "7\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := readOptional(&f, path)
		if got := fmt.Sprintf("%d\n", n); got != content || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, content)
		}
	}
	if err := os.WriteFile(path, []byte("many\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readOptional(&f, path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

func TestProcFileGrowsToItsBound(t *testing.T) {
	long := strings.Repeat("x", procFileStart+100)
	f, err := openProcFile(file(t, long))
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	if b, err := f.read(); err != nil || string(b) != long {
		t.Errorf("%d bytes of %d, %v", len(b), len(long), err)
	}
	g, err := openProcFile(file(t, strings.Repeat("x", procFileBound)))
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	if _, err := g.read(); err == nil {
		t.Error("a file beyond the bound was read")
	}
	if _, err := openProcFile(filepath.Join(t.TempDir(), "none")); !absent(err) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}
