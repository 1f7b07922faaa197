package audit

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"ebbgate/policy"
)

func TestParseNumbers(t *testing.T) {
	tests := []struct {
		text string
		want int
		out  []uint64
		err  string
	}{
		{"4096\n", 1, []uint64{4096}, ""},
		{"32768\t60999\n", 2, []uint64{32768, 60999}, ""},
		{"9223372036854775807", 1, []uint64{9223372036854775807}, ""},
		{"1 2 3 4\n", 3, []uint64{1, 2, 3}, ""}, // a kernel that says more
		{"", 1, nil, "1 number expected"},
		{"1 2", 3, nil, "3 numbers expected"},
		{"-1", 1, nil, "not a number"},
		{"many " + strings.Repeat("x", 100), 1, nil, `"many"`},
		{"18446744073709551616", 1, nil, "not a number"},
	}
	for _, tt := range tests {
		got, err := parseNumbers(tt.text, tt.want)
		if !slices.Equal(got, tt.out) {
			t.Errorf("%q: %v, want %v", tt.text, got, tt.out)
		}
		wantError(t, tt.text, err, tt.err)
	}
}

func wantError(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case err == nil && want != "":
		t.Errorf("%q: no error, want %q", what, want)
	case err != nil && (want == "" || !strings.Contains(err.Error(), want)):
		t.Errorf("%q: error %q, want %q", what, err, want)
	}
}

func TestParseNetstat(t *testing.T) {
	want := []string{"SyncookiesSent", "ListenOverflows"}
	tests := []struct {
		name, text string
		out        map[string]uint64
		err        string
	}{
		{"both", "TcpExt: SyncookiesSent X ListenOverflows\nTcpExt: 1 2 3\n", map[string]uint64{"SyncookiesSent": 1, "ListenOverflows": 3}, ""},
		{"an old kernel", "TcpExt: SyncookiesSent\nTcpExt: 1\n", map[string]uint64{"SyncookiesSent": 1}, ""},
		{"a new kernel and another table", "New: SyncookiesSent\nNew: 9\nTcpExt: A ListenOverflows B\nTcpExt: 1 5 -7\n", map[string]uint64{"ListenOverflows": 5}, ""},
		{"cut off", "TcpExt: SyncookiesSent X ListenOverflows\nTcpExt: 1", map[string]uint64{"SyncookiesSent": 1}, ""},
		{"empty", "", map[string]uint64{}, ""},
		{"names without values", "TcpExt: SyncookiesSent\n", nil, "is followed by"},
		{"values of another table", "TcpExt: SyncookiesSent\nIpExt: 1\n", nil, "followed by one of \"IpExt\""},
		{"no number", "TcpExt: SyncookiesSent\nTcpExt: x\n", nil, "SyncookiesSent is \"x\""},
	}
	for _, tt := range tests {
		got, err := parseNetstat(tt.text, want)
		if !maps.Equal(got, tt.out) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.out)
		}
		wantError(t, tt.name, err, tt.err)
	}
}

func TestParseSockstat(t *testing.T) {
	tests := []struct {
		text string
		out  map[string]uint64
		err  string
	}{
		{"sockets: used 13\nTCP: inuse 1 orphan 2 tw 3 alloc 4 mem 5\nUDP: inuse 6\n", map[string]uint64{"inuse": 1, "orphan": 2, "tw": 3, "alloc": 4, "mem": 5}, ""},
		{"TCP: tw 3 new 8 odd", map[string]uint64{"tw": 3, "new": 8}, ""},
		{"TCP:", map[string]uint64{}, ""},
		{"UDP: inuse 1\n", nil, "no line TCP"},
		{"TCP: tw x", nil, "tw is \"x\""},
	}
	for _, tt := range tests {
		got, err := parseSockstat(tt.text)
		if !maps.Equal(got, tt.out) {
			t.Errorf("%q: %v, want %v", tt.text, got, tt.out)
		}
		wantError(t, tt.text, err, tt.err)
	}
}

func TestParseSynProxy(t *testing.T) {
	tests := []struct {
		text string
		sum  uint64
		err  string
	}{
		{"entries\t\tsyn_received\tcookie_invalid\n00000000\t0000000a\t00000000\n00000000\t00000010\t00000000\n", 26, ""},
		{"syn_received\n", 0, ""},
		{"entries\n00000000\n", 0, "no column syn_received"},
		{"entries syn_received\n00000000\n", 0, "no value"},
		{"entries syn_received\n0 zz\n", 0, "not a number"},
	}
	for _, tt := range tests {
		got, err := parseSynProxy(tt.text)
		if got != tt.sum {
			t.Errorf("%q: %d, want %d", tt.text, got, tt.sum)
		}
		wantError(t, tt.text, err, tt.err)
	}
}

func TestParsePorts(t *testing.T) {
	tests := []struct {
		text string
		out  []policy.PortRange
		err  string
	}{
		{"\n", nil, ""},
		{"8080,9000-9010\n", []policy.PortRange{{First: 8080, Last: 8080}, {First: 9000, Last: 9010}}, ""},
		{"65536", nil, "neither a port"},
		{"9-8", nil, "neither a port"},
		{"1-2-3", nil, "neither a port"},
		{"http", nil, "neither a port"},
	}
	for _, tt := range tests {
		got, err := parsePorts(tt.text)
		if !slices.Equal(got, tt.out) {
			t.Errorf("%q: %v, want %v", tt.text, got, tt.out)
		}
		wantError(t, tt.text, err, tt.err)
		if err == nil && formatPorts(got) != strings.TrimSpace(tt.text) {
			t.Errorf("%q came back as %q", tt.text, formatPorts(got))
		}
	}
}

// TestThisKernel reads the real files, of whatever kernel runs the tests.
func TestThisKernel(t *testing.T) {
	netstat, err := os.ReadFile("/proc/thread-self/net/netstat")
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseNetstat(string(netstat), counterColumns())
	if err != nil || len(got) != len(counterColumns()) {
		t.Errorf("netstat: %v, %v", got, err)
	}
	sockstat, err := os.ReadFile("/proc/thread-self/net/sockstat")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := parseSockstat(string(sockstat))
	for _, name := range []string{"orphan", "tw", "mem"} {
		if _, ok := tcp[name]; !ok || err != nil {
			t.Errorf("sockstat: no %s in %v, %v", name, tcp, err)
		}
	}
}
