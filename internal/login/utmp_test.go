package login

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
)

func TestParseUtmp(t *testing.T) {
	tests := []struct {
		name                      string
		kind                      uint16
		pid                       int32
		line, user, host, address string
		want                      string // empty: none
	}{
		{"host is the address", 7, 50, "pts/0", "ada", "192.0.2.7", "", "192.0.2.7"},
		{"both forms", 7, 50, "pts/12", "ada", "192.0.2.7", "192.0.2.7", "192.0.2.7"},
		{"binary form only", 7, 50, "pts/0", "ada", "", "2001:db8::7", "2001:db8::7"},
		{"mapped in one", 7, 50, "pts/0", "ada", "192.0.2.7", "::ffff:192.0.2.7", "192.0.2.7"},
		{"zone", 7, 50, "pts/0", "ada", "fe80::1%eth0", "fe80::1", "fe80::1"},
		{"longest name", 7, 50, "pts/0", strings.Repeat("a", userLen), "192.0.2.7", "", "192.0.2.7"},

		{"forms disagree", 7, 50, "pts/0", "ada", "192.0.2.7", "198.51.100.1", ""},
		{"families disagree", 7, 50, "pts/0", "ada", "192.0.2.7", "2001:db8::7", ""},
		{"host name", 7, 50, "pts/0", "ada", "admin.example.net", "", ""},
		{"host name and an address", 7, 50, "pts/0", "ada", "admin.example.net", "192.0.2.7", ""},
		{"X display", 7, 50, "pts/0", "ada", ":0", "", ""},
		{"of screen", 7, 50, "pts/0", "ada", "192.0.2.7:S.0", "", ""},
		{"neither", 7, 50, "pts/0", "ada", "", "", ""},
		{"unspecified", 7, 50, "pts/0", "ada", "0.0.0.0", "", ""},
		{"has ended", 8, 50, "pts/0", "ada", "192.0.2.7", "", ""},
		{"login prompt", 6, 50, "pts/0", "ada", "192.0.2.7", "", ""},
		{"process is gone", 7, 60, "pts/0", "ada", "192.0.2.7", "", ""},
		{"no process", 7, 0, "pts/0", "ada", "192.0.2.7", "", ""},
		{"group of processes", 7, -50, "pts/0", "ada", "192.0.2.7", "", ""},
		{"console", 7, 50, "tty1", "ada", "192.0.2.7", "", ""},
		{"no terminal", 7, 50, "pts/", "ada", "192.0.2.7", "", ""},
		{"forged terminal", 7, 50, "pts/0 x", "ada", "192.0.2.7", "", ""},
		{"ftp", 7, 50, "ftpd123", "ada", "192.0.2.7", "", ""},
		{"no user", 7, 50, "pts/0", "", "192.0.2.7", "", ""},
		{"address fills the field", 7, 50, "pts/0", "ada", strings.Repeat("1", hostLen), "", ""},
	}
	for _, arch := range []string{"amd64", "arm64"} {
		l := layoutOf(arch)
		var file []byte
		var want []string
		for _, tt := range tests {
			b := utmpEntry(l, tt.kind, tt.pid, tt.line, tt.user, tt.host, tt.address)
			got, err := parseUtmp(b, l, func(pid int32) bool { return pid == 50 })
			if err != nil || len(got) != min(1, len(tt.want)) || len(got) == 1 && (got[0].from != netip.MustParseAddr(tt.want) || got[0].user != tt.user) {
				t.Errorf("%s, %s: got %+v, %v", arch, tt.name, got, err)
			}
			file = append(file, b...)
			if tt.want != "" {
				want = append(want, tt.want)
			}
		}
		all, err := parseUtmp(file, l, func(pid int32) bool { return pid == 50 })
		if err != nil || len(all) != len(want) {
			t.Errorf("%s, all: %d logins, want %d: %v", arch, len(all), len(want), err)
		}
		if all, err := parseUtmp(file[:len(file)-1], l, func(int32) bool { return true }); err == nil || all != nil {
			t.Errorf("%s, cut short: %d logins and no error", arch, len(all))
		}
	}
}

func TestProcessLives(t *testing.T) {
	if !processLives(1) {
		t.Error("process 1 does not live")
	}
	if processLives(1<<31 - 1) {
		t.Error("a process beyond the highest id (4194304, proc_sys_kernel(5)) lives")
	}
}

func FuzzParseUtmp(f *testing.F) {
	l := layoutOf("amd64")
	f.Add(utmpEntry(l, 7, 50, "pts/0", "ada", "192.0.2.7", "192.0.2.7"), false)
	f.Add(append(utmpEntry(l, 2, 0, "~", "reboot", "6.18.5", ""), utmpEntry(l, 7, 50, "pts/1", "root", "", "2001:db8::7")...), false)
	f.Add(utmpEntry(layoutOf("arm64"), 7, 50, "pts/0", "ada", "2001:db8::7", "2001:db8::7"), true)
	f.Fuzz(func(t *testing.T, b []byte, wide bool) {
		l := layoutOf(map[bool]string{true: "arm64", false: "amd64"}[wide])
		before := bytes.Clone(b)
		all, err := parseUtmp(b, l, func(pid int32) bool { return pid > 0 })
		if err != nil != (len(b)%l.size != 0) || len(all) > len(b)/l.size {
			t.Errorf("%d bytes: %d logins, %v", len(b), len(all), err)
		}
		for _, login := range all {
			if !login.from.IsValid() || login.from.Is4In6() || login.from.Zone() != "" || login.user == "" || strings.Contains(login.user, "\x00") {
				t.Errorf("login %+v", login)
			}
		}
		if !bytes.Equal(b, before) {
			t.Error("the bytes were written to")
		}
	})
}
