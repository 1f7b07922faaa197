package ctnetlink

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRequestBody(t *testing.T) {
	flags := func(n uint32) part {
		return part{ctaFilter | unix.NLA_F_NESTED, attrs(part{ctaFilterOrigFlags, binary.NativeEndian.AppendUint32(nil, n)})}
	}
	proto := func(p ...part) part {
		return part{ctaTupleOrig | unix.NLA_F_NESTED, attrs(part{ctaTupleProto | unix.NLA_F_NESTED, attrs(p...)})}
	}
	tcp := part{ctaProtoNum, []byte{6}}
	tests := []struct {
		name    string
		req     Request
		want    parts
		special bool
	}{
		{"everything", Request{}, nil, false},
		{"family", Request{Family: unix.AF_INET6}, nil, false},
		{"protocol of both families", Request{Protocol: 6, Port: 80}, nil, false},
		{"status", Request{Mask: Assured | SeenReply, Status: SeenReply}, parts{{ctaStatus, []byte{0, 0, 0, 2}}, {ctaStatusMask, []byte{0, 0, 0, 6}}}, true},
		{"protocol", Request{Family: unix.AF_INET, Protocol: 6}, parts{proto(tcp), flags(8)}, true},
		{"port", Request{Family: unix.AF_INET6, Protocol: 6, Port: 8080}, parts{proto(tcp, part{ctaProtoDestPort, []byte{0x1f, 0x90}}), flags(40)}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header := []byte{tt.req.Family, 0, 0, 0}
			if got, want := tt.req.appendBody(nil, false), append(bytes.Clone(header), attrs(tt.want...)...); !bytes.Equal(got, want) {
				t.Errorf("got %x, want %x", got, want)
			}
			if got := tt.req.appendBody(nil, true); !bytes.Equal(got, header) {
				t.Errorf("without a filter: %x, want %x", got, header)
			}
			if tt.req.special() != tt.special {
				t.Errorf("special: %v", tt.req.special())
			}
		})
	}
}

func TestRequestCheck(t *testing.T) {
	tests := []struct {
		name string
		req  Request
		want string
	}{
		{"family", Request{Family: unix.AF_UNIX}, "family 1 is not one of"},
		{"port without protocol", Request{Port: 80}, "port 80 of protocol 0"},
		{"port of UDP", Request{Protocol: unix.IPPROTO_UDP, Port: 53}, "port 53 of protocol 17"},
		{"status beyond the mask", Request{Status: Assured, Mask: SeenReply}, "status 0x4 has bits which the mask 0x2 has not"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nl := &fake{t: t}
			err := (&Conn{nl: nl}).Dump(tt.req, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(nl.asked) != 0 {
				t.Errorf("got %v after %d requests, want %q and none", err, len(nl.asked), tt.want)
			}
		})
	}
}

func TestRequestMatches(t *testing.T) {
	var e Entry
	if !e.decode(message(flow("10.66.0.1:40000", "10.77.0.1:8080", "10.55.0.2:80", "10.66.0.1:40000"))) {
		t.Fatal("not decoded")
	}
	tests := []struct {
		name string
		req  Request
		want bool
	}{
		{"everything", Request{}, true},
		{"all of it", Request{Family: unix.AF_INET, Protocol: 6, Port: 8080, Status: Assured, Mask: Assured | Offload}, true},
		{"family", Request{Family: unix.AF_INET6}, false},
		{"protocol", Request{Protocol: 17}, false},
		{"port before DNAT, not after", Request{Protocol: 6, Port: 80}, false},
		{"status", Request{Mask: Assured}, false},
	}
	for _, tt := range tests {
		if got := tt.req.matches(&e); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
