package login

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ebbgate/policy"
)

// record is what systemd-logind writes for a login of root over ssh, with lines replaced by key.
func record(change ...string) string {
	lines := []string{
		"# This is private data. Do not parse.", "UID=0", "USER=root", "ACTIVE=1", "IS_DISPLAY=1", "STATE=active", "REMOTE=1",
		"LEADER_FD_SAVED=1", "TYPE=tty", "ORIGINAL_TYPE=tty", "CLASS=user", "SCOPE=session-4.scope", "FIFO=/run/systemd/sessions/4.ref",
		"TTY=pts/0", "REMOTE_HOST=192.0.2.7", "SERVICE=sshd", "POSITION=0", "LEADER=1234", "AUDIT=4", "REALTIME=1700000000000000",
	}
	for _, c := range change {
		key, _, _ := strings.Cut(c, "=")
		for i, l := range lines {
			if k, _, _ := strings.Cut(l, "="); k == key {
				lines[i] = c
			}
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// utmpEntry builds a struct utmp. An empty address leaves ut_addr_v6 zero.
func utmpEntry(l utmpLayout, kind uint16, pid int32, line, user, host, address string) []byte {
	b := make([]byte, l.size)
	binary.NativeEndian.PutUint16(b, kind)
	binary.NativeEndian.PutUint32(b[utmpPID:], uint32(pid))
	copy(b[utmpLine:utmpLine+lineLen], line)
	copy(b[utmpUser:utmpUser+userLen], user)
	copy(b[utmpHost:utmpHost+hostLen], host)
	if address != "" {
		copy(b[l.address:], netip.MustParseAddr(address).AsSlice())
	}
	return b
}

const (
	passwdText = "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/sh\neve:x:1001:1001::/home/eve:/bin/sh\ntoor:x:0:7::/root:/bin/sh\n"
	groupText  = "root:x:0:\nwheel:x:10:ada\nsudo:x:27:ada,root\nada:x:1000:\neve:x:1001:\n"
)

// host builds the files of a host, by path, and returns a Reader of them.
func host(tb testing.TB, files map[string]string) *Reader {
	tb.Helper()
	root := tb.TempDir()
	for path, text := range files {
		write(tb, filepath.Join(root, path), text)
	}
	for path, text := range map[string]string{"etc/passwd": passwdText, "etc/group": groupText} {
		if _, given := files[path]; !given {
			write(tb, filepath.Join(root, path), text)
		}
	}
	r := NewReader(root)
	r.owner = uint32(os.Getuid())
	return r
}

func write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// from returns the addresses of sessions.
func from(sessions []policy.Session) (out []string) {
	for _, s := range sessions {
		out = append(out, s.From.String())
	}
	return out
}
