package login

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// maxFile bounds utmp, passwd and group.
const maxFile = 1 << 20

// userProcess is USER_PROCESS of utmp(5): a login, not yet ended.
const userProcess = 7

// Offsets into struct utmp that are the same on all machines, and lengths of its fields.
const (
	utmpPID, utmpLine, utmpUser, utmpHost = 4, 8, 44, 76
	lineLen, userLen, hostLen             = 32, 32, 256
)

// utmpLayout is where machines differ in struct utmp: most keep its times in 32 bits.
type utmpLayout struct{ size, address int }

// layoutOf returns the layout that the C library of an architecture has, as Go names it.
func layoutOf(arch string) utmpLayout {
	if arch == "arm64" {
		return utmpLayout{size: 400, address: 360}
	}
	return utmpLayout{size: 384, address: 348}
}

// utmp reads the logins that utmp(5) records. Its error matches fs.ErrNotExist if there is no such file.
func (r *Reader) utmp() ([]login, error) {
	b, err := r.read(r.path("run", "utmp"), maxFile)
	if err != nil {
		return nil, err
	}
	return parseUtmp(b, r.layout, r.alive)
}

// parseUtmp returns the logins of the records whose process lives.
func parseUtmp(b []byte, l utmpLayout, alive func(pid int32) bool) ([]login, error) {
	var all []login
	for len(b) >= l.size {
		if pid, login, ok := parseUtmpRecord(b[:l.size], l); ok && alive(pid) {
			all = append(all, login)
		}
		b = b[l.size:]
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("utmp does not consist of records of %d bytes: %d are left over", l.size, len(b))
	}
	return all, nil
}

// parseUtmpRecord returns the login of one record, if it is one that counts: a user's, on a terminal of
// sshd's kind, whose host is an address. If it has the address in both forms they must agree; a name in
// place of it counts for nothing, whatever the other form says.
func parseUtmpRecord(b []byte, l utmpLayout) (pid int32, out login, ok bool) {
	pid = int32(binary.NativeEndian.Uint32(b[utmpPID:]))
	line, user, host := text(b[utmpLine:], lineLen), text(b[utmpUser:], userLen), text(b[utmpHost:], hostLen)
	number, pts := strings.CutPrefix(line, "pts/")
	if binary.NativeEndian.Uint16(b) != userProcess || pid <= 0 || !pts || !isNumber(number) || user == "" {
		return 0, login{}, false
	}
	binaryForm, has := binaryAddress([16]byte(b[l.address:]))
	if host == "" {
		return pid, login{user: user, from: binaryForm}, has
	}
	from, ok := literal(host)
	if !ok || has && from != binaryForm {
		return 0, login{}, false
	}
	return pid, login{user: user, from: from}, true
}

// binaryAddress returns ut_addr_v6: an IPv4 address has the first four bytes only.
func binaryAddress(b [16]byte) (netip.Addr, bool) {
	if bytes.Equal(b[4:], make([]byte, 12)) {
		return usable(netip.AddrFrom4([4]byte(b[:4])))
	}
	return usable(netip.AddrFrom16(b))
}

// text returns a field of n bytes, which ends at its first zero.
func text(b []byte, n int) string { return unix.ByteSliceToString(b[:n]) }

// isNumber reports whether s consists of digits.
func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// processLives reports whether there is a process of that id, ours to signal or not (kill(2)).
func processLives(pid int32) bool { return unix.Kill(int(pid), 0) != unix.ESRCH }
