package inetdiag

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// TestConnRefusesBadRequests uses a Conn without a socket: nothing may be sent.
func TestConnRefusesBadRequests(t *testing.T) {
	tests := []struct {
		name string
		req  Request
		want string
	}{
		{"family", Request{Family: unix.AF_UNIX, States: 1}, "family 1 "},
		{"no states", Request{Family: unix.AF_INET}, "empty"},
		{"odd filter", Request{Family: unix.AF_INET, States: 1, Filter: make([]byte, 5)}, "5 bytes"},
		{"long filter", Request{Family: unix.AF_INET, States: 1, Filter: make([]byte, 1<<16)}, "65536 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := new(Conn).Dump(tt.req, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error about %q", err, tt.want)
			}
		})
	}
	if err := new(Conn).Destroy(unix.AF_UNIX, ID{}); err == nil || !strings.Contains(err.Error(), "family 1 ") {
		t.Errorf("destroy: got %v, want an error about the family", err)
	}
}

func TestDestroyError(t *testing.T) {
	other := errors.New("other")
	tests := []struct{ in, probed, want error }{
		{nil, nil, nil},
		{unix.ENOENT, nil, ErrGone},
		{unix.EOPNOTSUPP, unix.EOPNOTSUPP, ErrNoDestroy},
		{unix.EOPNOTSUPP, nlwire.ErrTimeout, ErrNoDestroy},
		{unix.EOPNOTSUPP, unix.ENOENT, ErrGone}, // it has come to TIME_WAIT, before kernels destroyed that
		{unix.EPERM, nil, unix.EPERM},
		{unix.EINVAL, nil, unix.EINVAL},
		{nlwire.ErrTimeout, nil, nlwire.ErrTimeout},
		{other, nil, other},
	}
	for _, tt := range tests {
		probed := false
		got := destroyError(tt.in, func() error { probed = true; return tt.probed })
		if !errors.Is(got, tt.want) || probed != (tt.probed != nil) {
			t.Errorf("%v became %v, want %v; asked again: %t", tt.in, got, tt.want, probed)
		}
	}
	if got := destroyError(unix.EPERM, nil).Error(); !strings.Contains(got, "CAP_NET_ADMIN") {
		t.Errorf("%q does not name the capability", got)
	}
}

// TestRequestBody checks the two layouts the kernel knows, by their fields of linux/inet_diag.h.
func TestRequestBody(t *testing.T) {
	filter := "\x01\x08\x0c\x00\x00\x00\x50\x00"
	id, attribute := strings.Repeat("\x00", 48), string(attr(1, []byte(filter)))
	states := func(s States) string { return string(binary.NativeEndian.AppendUint32(nil, uint32(s))) }
	tests := []struct {
		name string
		req  Request
		kind uint16
		want string
	}{
		{"both families", Request{States: 0x10a}, 18, "\x00\x00\x00\x00" + id + states(0x10a) + "\x00\x00\x00\x00"},
		{"both, with all", Request{States: 2, Info: true, Filter: []byte(filter)}, 18,
			"\x00\x00\x00\x02" + id + states(2) + "\x00\x00\x00\x00" + attribute},
		{"IPv6", Request{Family: unix.AF_INET6, States: 0x10a}, 20, "\x0a\x06\x00\x00" + states(0x10a) + id},
		{"IPv4, with all", Request{Family: unix.AF_INET, States: 2, Info: true, Filter: []byte(filter)}, 20,
			"\x02\x06\x02\x00" + states(2) + id + attribute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.req.appendBody(nil); string(got) != tt.want || tt.req.kind() != tt.kind {
				t.Errorf("got type %d, %x; want %d, %x", tt.req.kind(), got, tt.kind, tt.want)
			}
		})
	}
}
