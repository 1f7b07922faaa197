package login

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseRecord(t *testing.T) {
	tests := []struct {
		name string
		in   string
		uid  uint32
		from string // empty: none
	}{
		{"root over ssh", record(), 0, "192.0.2.7"},
		{"a user", record("UID=1001"), 1001, "192.0.2.7"},
		{"quoted by a newer systemd", record(`REMOTE_HOST="2001:db8::7"`), 0, "2001:db8::7"},
		{"mapped", record("REMOTE_HOST=::ffff:192.0.2.9"), 0, "192.0.2.9"},
		{"with a zone", record("REMOTE_HOST=fe80::1%eth0"), 0, "fe80::1"},
		{"early class", record("CLASS=user-early"), 0, "192.0.2.7"},
		{"Debian's service", record("SERVICE=ssh"), 0, "192.0.2.7"},
		{"an escaped word elsewhere", record(`SCOPE=a\x20b`), 0, "192.0.2.7"},

		{"host name", record("REMOTE_HOST=admin.example.net"), 0, ""},
		{"host name like an address", record("REMOTE_HOST=192.0.2.7.example.net"), 0, ""},
		{"two addresses", record("REMOTE_HOST=192.0.2.7 198.51.100.1"), 0, ""},
		{"with a port", record("REMOTE_HOST=192.0.2.7:22"), 0, ""},
		{"a prefix", record("REMOTE_HOST=0.0.0.0/0"), 0, ""},
		{"octal", record("REMOTE_HOST=192.0.2.007"), 0, ""},
		{"unspecified", record("REMOTE_HOST=0.0.0.0"), 0, ""},
		{"multicast", record("REMOTE_HOST=ff02::1"), 0, ""},
		{"escaped", record(`REMOTE_HOST=192.0.2.7\n`), 0, ""},
		{"quotes within", record(`REMOTE_HOST=192.0.2."7"`), 0, ""},
		{"empty host", record("REMOTE_HOST="), 0, ""},
		{"local", record("REMOTE=0"), 0, ""},
		{"closing", record("STATE=closing"), 0, ""},
		{"a state we do not know", record("STATE=lingering"), 0, ""},
		{"greeter", record("CLASS=greeter"), 0, ""},
		{"manager", record("CLASS=manager"), 0, ""},
		{"su in a session", record("SERVICE=su-l"), 0, ""},
		{"service of a like name", record("SERVICE=sshd-evil"), 0, ""},
		{"no number", record("UID=root"), 0, ""},
		{"negative", record("UID=-1"), 0, ""},
		{"the id for none", record("UID=4294967295"), 0, ""},
		{"too large", record("UID=4294967296"), 0, ""},
		{"field twice", record() + "REMOTE_HOST=198.51.100.1\n", 0, ""},
		{"user id twice", record() + "UID=0\n", 0, ""},
		{"fields smuggled in a quoted value", strings.ReplaceAll(record("UID=1001", "SERVICE=cron"), "POSITION=0", "DESKTOP=\"x\nUID=0\nSERVICE=sshd\ny\""), 0, ""},
		{"quote closed early", record(`TTY="a"b`), 0, ""},
		{"quote not closed for an escape", record(`TTY="a\"`), 0, ""},
		{"a line of no field", record() + "and more\n", 0, ""},
		{"a key in small letters", record() + "Uid=0\n", 0, ""},
		{"zero byte", record() + "X=\x00\n", 0, ""},
		{"carriage return", record("REMOTE_HOST=192.0.2.7\r"), 0, ""},
		{"empty", "", 0, ""},
	}
	for _, tt := range tests {
		got, ok := parseRecord([]byte(tt.in))
		if ok != (tt.from != "") || ok && (got.uid != tt.uid || got.from != netip.MustParseAddr(tt.from)) {
			t.Errorf("%s: got %+v, %v", tt.name, got, ok)
		}
	}
	for _, key := range []string{"UID", "REMOTE", "REMOTE_HOST", "STATE", "CLASS", "SERVICE"} {
		var kept []string
		for line := range strings.Lines(record()) {
			if !strings.HasPrefix(line, key+"=") {
				kept = append(kept, line)
			}
		}
		if got, ok := parseRecord([]byte(strings.Join(kept, ""))); ok {
			t.Errorf("without %s: got %+v", key, got)
		}
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(record()))
	f.Add([]byte(record("UID=1001", `REMOTE_HOST="2001:db8::7%eth0"`, "STATE=online")))
	f.Add([]byte(record("REMOTE_HOST=host.example", `SERVICE="ss\"hd`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, ok := parseRecord(b)
		if !ok {
			return
		}
		if !l.from.IsValid() || l.from.Is4In6() || l.from.Zone() != "" || l.from.IsUnspecified() || l.user != "" {
			t.Errorf("login %+v", l)
		}
		for _, key := range []string{"UID=", "REMOTE=", "REMOTE_HOST=", "STATE=", "CLASS=", "SERVICE="} {
			if n := strings.Count("\n"+string(b), "\n"+key); n != 1 {
				t.Errorf("%s is there %d times", key, n)
			}
		}
	})
}
