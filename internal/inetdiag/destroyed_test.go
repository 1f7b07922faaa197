package inetdiag

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// endingInfo builds the tcp_info of a destroyed socket.
func endingInfo(delivered, minRTT uint32) []byte {
	b := tcpInfo(280, 3, 1000, 0, 0, 0)
	binary.NativeEndian.PutUint32(b[infoDelivered:], delivered)
	binary.NativeEndian.PutUint32(b[infoMinRTT:], minRTT)
	return attr(attrInfo, b)
}

// protocol is the attribute INET_DIAG_PROTOCOL, which comes first.
func protocol() []byte { return attr(10, []byte{unix.IPPROTO_TCP}) }

// ending builds the body of a notification.
func ending(local, remote string, delivered, minRTT uint32) []byte {
	return diag(Close, local, remote, protocol(), endingInfo(delivered, minRTT))
}

func TestNotices(t *testing.T) {
	const client, nobody, gone = "198.51.100.7:40000", "0.0.0.0:0", "198.51.100.7:0"
	short := tcpInfo(infoDelivered, 0, 0, 0, 0, 0)
	good := ending(v4, client, 1, 20)
	one := func(body []byte) datagram { return datagram{}.msg(sockDiagByFamily, body) }
	tests := []struct {
		name   string
		in     datagram
		want   int
		broken uint64
	}{
		{"OK empty", nil, 0, 0},
		{"OK IPv4", one(good), 1, 0},
		{"OK IPv6", one(ending(v6, "[2001:db8::7]:40000", 1, noRTT)), 1, 0},
		{"OK two in one datagram", one(good).msg(sockDiagByFamily, good), 2, 0},
		{"OK no-op", datagram{}.msg(unix.NLMSG_NOOP, nil).msg(sockDiagByFamily, good), 1, 0},
		{"OK aborted by its process", one(ending("0.0.0.0:80", gone, 0, 20)), 1, 0},
		{"OK aborted by its process, IPv6", one(ending("[::]:80", "[2001:db8::7]:0", 0, 20)), 1, 0},
		{"no listener", one(ending(v4, nobody, 0, noRTT)), 0, 0},
		{"no listener that had a round trip", one(ending(v4, nobody, 0, 20)), 0, 0},
		{"no IPv6 listener", one(ending(v6, "[::]:0", 0, 20)), 0, 0},
		{"no mapped nobody", one(ending(v6, "[::ffff:0.0.0.0]:0", 0, 20)), 0, 0},
		{"no handshake", one(ending(v4, client, 0, noRTT)), 0, 0},
		{"no handshake, whatever the round trip", one(ending(v4, client, 0, 20)), 0, 0},
		{"no round trip before it was aborted", one(ending(v4, gone, 0, noRTT)), 0, 0},
		{"no tcp_info", one(diag(Close, v4, client, protocol())), 0, 0},
		{"no tcp_info that is long enough", one(diag(Close, v4, client, attr(attrInfo, short))), 0, 0},
		{"the last tcp_info counts", one(diag(Close, v4, client, endingInfo(1, 20), attr(attrInfo, short))), 0, 0},
		{"no tcp_info of another kind", one(diag(Close, v4, client, attr(attrInfo|unix.NLA_F_NET_BYTEORDER, tcpInfo(280, 0, 0, 0, 0, 0)))), 0, 0},
		{"bad type", datagram{}.msg(19, good).msg(sockDiagByFamily, good), 1, 1},
		{"bad family", one(append([]byte{unix.AF_UNIX}, good[1:]...)), 0, 1},
		{"bad short socket", one(good[:diagMsgLen-1]), 0, 1},
		{"bad attribute", one(diag(Close, v4, client, []byte{3, 0, 2, 0})), 0, 1},
		{"bad attribute beyond the message", one(diag(Close, v4, client, []byte{200, 0, 2, 0})), 0, 1},
		{"bad trailing bytes", append(one(good), 1, 2, 3), 1, 1},
		{"bad length", datagram{0xff, 0xff, 0xff, 0xff, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, 1},
		{"bad length below the header", make(datagram, unix.NLMSG_HDRLEN), 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var n notices
			got := 0
			n.feed(tt.in, func(s *Socket) {
				got++
				if s.LocalPort != 80 || !s.HasInfo || s.Info.BytesReceived != 1000 || s.Info.BytesAcked != 3 {
					t.Errorf("socket %+v", s)
				}
			})
			if got != tt.want || n.broken != tt.broken {
				t.Errorf("%d connections, %d broken; want %d, %d", got, n.broken, tt.want, tt.broken)
			}
		})
	}
}

func FuzzNotices(f *testing.F) {
	f.Add([]byte(datagram{}.msg(sockDiagByFamily, ending(v4, "198.51.100.7:40000", 1, 20))))
	f.Add([]byte(datagram{}.msg(sockDiagByFamily, ending("[::]:80", "[2001:db8::7]:0", 0, 20))))
	f.Add([]byte(datagram{}.msg(unix.NLMSG_NOOP, nil).msg(99, nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var n notices
		got := 0
		n.feed(b, func(s *Socket) {
			got++
			if s.Family != unix.AF_INET && s.Family != unix.AF_INET6 || !s.HasInfo {
				t.Errorf("a connection of family %d, with tcp_info %v", s.Family, s.HasInfo)
			}
			if s.Remote().Addr().IsUnspecified() && s.RemotePort == 0 {
				t.Error("a connection with nobody")
			}
		})
		if most := len(b) / (unix.NLMSG_HDRLEN + diagMsgLen + unix.NLA_HDRLEN + endingInfoLen); got > most {
			t.Errorf("%d connections in %d bytes", got, len(b))
		}
		if most := uint64(len(b)/unix.NLMSG_HDRLEN + 1); n.broken > most {
			t.Errorf("%d broken messages in %d bytes", n.broken, len(b))
		}
	})
}
