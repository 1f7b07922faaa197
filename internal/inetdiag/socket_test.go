package inetdiag

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

func TestSocketDecode(t *testing.T) {
	tests := []struct {
		name          string
		in            []byte
		local, remote string // as the accessors give them
		family        uint8
	}{
		{"IPv4", diag(Established, v4, "198.51.100.7:40000"), v4, "198.51.100.7:40000", unix.AF_INET},
		{"IPv6", diag(CloseWait, v6, "[2001:db8::2]:1"), v6, "[2001:db8::2]:1", unix.AF_INET6},
		{"mapped", diag(Established, "[::ffff:192.0.2.1]:80", "[::ffff:198.51.100.7]:9"), v4, "198.51.100.7:9", unix.AF_INET6},
		{"unspecified", diag(Listen, "[::]:80", "[::]:0"), "[::]:80", "[::]:0", unix.AF_INET6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Socket{V6Only: true, HasInfo: true, Cgroup: 7}
			if !s.decode(tt.in, false) {
				t.Fatal("not decoded")
			}
			if s.Local() != netip.MustParseAddrPort(tt.local) || s.Remote() != netip.MustParseAddrPort(tt.remote) || s.Family != tt.family {
				t.Errorf("got %v %v family %d", s.Local(), s.Remote(), s.Family)
			}
			if s.RQueue != 10 || s.WQueue != 11 || s.UID != 12 || s.Inode != 13 {
				t.Errorf("got rqueue %d wqueue %d uid %d inode %d", s.RQueue, s.WQueue, s.UID, s.Inode)
			}
			if s.State != State(tt.in[1]) || s.ID != ID(tt.in[4:52]) {
				t.Errorf("got state %v, ID %x", s.State, s.ID)
			}
			if s.V6Only || s.HasInfo || s.Cgroup != 0 {
				t.Error("attributes of the socket before were kept")
			}
		})
	}
}

func TestSocketDecodeRefuses(t *testing.T) {
	good := diag(Established, v4, "198.51.100.7:40000")
	for name, in := range map[string][]byte{
		"nothing":   nil,
		"too short": good[:diagMsgLen-1],
		"family":    append([]byte{unix.AF_UNIX}, good[1:]...),
	} {
		if new(Socket).decode(in, false) {
			t.Errorf("%s: decoded", name)
		}
	}
}

func TestSocketAttributes(t *testing.T) {
	full := attr(attrInfo, tcpInfo(248, 11, 22, 33, 44, 55))
	tests := []struct {
		name   string
		state  State
		info   bool
		attrs  [][]byte
		ok     bool
		v6only bool
		has    bool
	}{
		{"v6only", Listen, false, [][]byte{attr(attrV6Only, []byte{1})}, true, true, false},
		{"dual stack", Listen, false, [][]byte{attr(attrV6Only, []byte{0})}, true, false, false},
		{"v6only without value", Listen, false, [][]byte{attr(attrV6Only, nil)}, true, false, false},
		{"info", Established, true, [][]byte{attr(8, []byte{0}), full, attr(22, []byte{1, 2})}, true, false, true},
		{"info not asked for", Established, false, [][]byte{full}, true, false, false},
		{"info of an older kernel", Established, true, [][]byte{attr(attrInfo, tcpInfo(104, 0, 0, 0, 0, 0))}, true, false, false},
		{"exactly enough info", Established, true, [][]byte{attr(attrInfo, tcpInfo(infoLen, 11, 22, 33, 44, 55))}, true, false, true},
		{"one byte short of info", Established, true, [][]byte{attr(attrInfo, tcpInfo(infoLen-1, 0, 0, 0, 0, 0))}, true, false, false},
		{"no attribute", Established, true, nil, true, false, false},
		{"attribute cut short by the message", Established, true, [][]byte{full[:len(full)-1]}, false, false, false},
		{"length below header", Listen, false, [][]byte{{3, 0, 11, 0}}, false, false, false},
		{"length beyond message", Listen, false, [][]byte{{9, 0, 11, 0, 1, 0, 0, 0}}, false, false, false},
		{"half a header", Listen, false, [][]byte{attr(attrV6Only, []byte{1}), {4, 0}}, false, true, false},
		{"last attribute not padded", Listen, false, [][]byte{attr(attrV6Only, []byte{1})[:5]}, true, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := diag(tt.state, v6, "[::]:0", tt.attrs...)
			if tt.state != Listen {
				b = diag(tt.state, v4, "198.51.100.7:1", tt.attrs...)
			}
			var s Socket
			if ok := s.decode(b, tt.info); ok != tt.ok {
				t.Fatalf("decoded: %v, want %v", ok, tt.ok)
			}
			if s.V6Only != tt.v6only || s.HasInfo != tt.has {
				t.Errorf("got V6Only %v HasInfo %v", s.V6Only, s.HasInfo)
			}
			want := Info{BytesAcked: 11, BytesReceived: 22, LastDataSent: 33 * time.Millisecond,
				LastDataRecv: 44 * time.Millisecond, LastAckRecv: 55 * time.Millisecond}
			if tt.has && s.Info != want {
				t.Errorf("got %+v, want %+v", s.Info, want)
			}
		})
	}
}

func TestSocketCgroup(t *testing.T) {
	id := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	tests := []struct {
		name  string
		attrs [][]byte
		want  uint64
	}{
		{"whole", [][]byte{attr(attrCgroupID, id)}, binary.NativeEndian.Uint64(id)},
		{"among others", [][]byte{attr(attrV6Only, []byte{1}), attr(attrCgroupID, id), attr(99, []byte{1})}, binary.NativeEndian.Uint64(id)},
		{"of an older kernel", [][]byte{attr(attrV6Only, []byte{1})}, 0},
		{"too short", [][]byte{attr(attrCgroupID, id[:7])}, 0},
		{"empty", [][]byte{attr(attrCgroupID, nil)}, 0},
	}
	for _, tt := range tests {
		s := Socket{Cgroup: 99}
		if !s.decode(diag(Listen, v6, "[::]:0", tt.attrs...), false) || s.Cgroup != tt.want {
			t.Errorf("%s: cgroup %#x, want %#x", tt.name, s.Cgroup, tt.want)
		}
	}
}

func TestStates(t *testing.T) {
	set := StatesOf(Established, Listen)
	if set != 1<<1|1<<10 {
		t.Errorf("got %#x", set)
	}
	if !set.Has(Listen) || set.Has(CloseWait) {
		t.Error("Has disagrees with StatesOf")
	}
	if FinWait1.String() != "FIN_WAIT1" || State(0).String() != "STATE_0" || State(77).String() != "STATE_77" {
		t.Errorf("got %v %v %v", FinWait1, State(0), State(77))
	}
}

func TestUnmapID(t *testing.T) {
	id := func(local, remote string) ID {
		var s Socket
		b := diag(Established, local, remote)
		binary.NativeEndian.PutUint32(b[4+idIface:], 5)
		copy(b[4+idCookie:], "12345678")
		if !s.decode(b, false) {
			t.Fatal("not decoded")
		}
		return s.ID
	}
	tests := []struct {
		name       string
		family     uint8
		in         ID
		wantFamily uint8
		want       ID
	}{
		{"mapped", unix.AF_INET6, id("[::ffff:192.0.2.1]:80", "[::ffff:198.51.100.7]:9"), unix.AF_INET, id(v4, "198.51.100.7:9")},
		{"IPv6", unix.AF_INET6, id(v6, "[2001:db8::2]:9"), unix.AF_INET6, id(v6, "[2001:db8::2]:9")},
		{"IPv4", unix.AF_INET, id(v4, "198.51.100.7:9"), unix.AF_INET, id(v4, "198.51.100.7:9")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			family, got := unmapID(tt.family, tt.in)
			if family != tt.wantFamily || got != tt.want {
				t.Errorf("got family %d, %x", family, got)
			}
		})
	}
}

// FuzzDecode decodes every message of a datagram, whatever its type.
func FuzzDecode(f *testing.F) {
	v6sock := diag(Listen, v6, "[::]:0", attr(attrV6Only, []byte{1}))
	info := diag(CloseWait, v4, "198.51.100.7:40000", attr(99, []byte("foreign")), attr(attrInfo, tcpInfo(248, 1, 2, 3, 4, 5)))
	f.Add([]byte(datagram{}.msg(sockDiagByFamily, diag(Listen, v6, "[::]:0", attr(attrCgroupID, []byte("12345678"))))))
	f.Add([]byte(datagram{}.msg(sockDiagByFamily, v6sock).msg(tcpdiagGetSock, info)))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		for m := (nlwire.Messages{Rest: b}); m.Next(); {
			var s Socket
			if !s.decode(m.Body, true) {
				continue
			}
			if s.Family != unix.AF_INET && s.Family != unix.AF_INET6 {
				t.Errorf("socket of family %d", s.Family)
			}
			if l := s.Local(); !l.IsValid() || l.Addr().Is4In6() {
				t.Errorf("local address %v", l)
			}
			if s.Family == unix.AF_INET && !s.Remote().Addr().Is4() {
				t.Errorf("remote address %v of an IPv4 socket", s.Remote())
			}
			if s.HasInfo && len(m.Body) < diagMsgLen+unix.NLA_HDRLEN+infoLen {
				t.Errorf("tcp_info in a message of %d bytes", len(m.Body))
			}
		}
		if !bytes.Equal(b, before) {
			t.Error("the bytes were written to")
		}
	})
}
