package ctnetlink

import (
	"bytes"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

func TestEntryDecode(t *testing.T) {
	tests := []struct {
		name                       string
		from, to, replyFrom, reply string
		family                     uint8
	}{
		{"IPv4", "10.66.0.1:40000", "10.77.0.1:80", "10.77.0.1:80", "10.66.0.1:40000", unix.AF_INET},
		{"IPv4, DNAT", "10.66.0.1:40000", "10.77.0.1:8080", "10.55.0.2:80", "10.66.0.1:40000", unix.AF_INET},
		{"IPv4, masquerade", "10.55.0.2:33333", "10.77.0.2:9000", "10.77.0.2:9000", "10.77.0.1:1024", unix.AF_INET},
		{"IPv6, DNAT", "[2001:db8::1]:1", "[fd77::1]:65535", "[fd55::2]:80", "[2001:db8::1]:1", unix.AF_INET6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := Entry{State: Closed, Status: Offload, Zone: 9}
			if !e.decode(message(flow(tt.from, tt.to, tt.replyFrom, tt.reply))) {
				t.Fatal("not decoded")
			}
			for _, got := range []struct{ got, want string }{
				{e.Original.From().String(), tt.from}, {e.Original.To().String(), tt.to},
				{e.Reply.From().String(), tt.replyFrom}, {e.Reply.To().String(), tt.reply},
			} {
				if got.got != got.want {
					t.Errorf("got %s, want %s", got.got, got.want)
				}
			}
			if e.Family != tt.family || e.Protocol != unix.IPPROTO_TCP || e.State != Established ||
				e.Status != SeenReply|Assured || e.Timeout != 431999*time.Second || e.Zone != 0 || e.ID != 0x01020304 || e.Counted {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestEntryDecodeVariants(t *testing.T) {
	plain := flow("10.66.0.1:40000", "10.77.0.1:80", "10.77.0.1:80", "10.66.0.1:40000")
	tuple := plain[0].value
	zoned := append(bytes.Clone(tuple), attrs(part{ctaTupleZone, []byte{0, 7}})...)
	six := flow("[2001:db8::1]:1", "[fd77::1]:80", "[fd77::1]:80", "[2001:db8::1]:1")
	tests := []struct {
		name string
		in   []byte
		ok   bool
		same func(*Entry) bool
	}{
		{"OK zone", message(plain.with(ctaZone, 0, 5)), true, func(e *Entry) bool { return e.Zone == 5 }},
		{"OK zone of one direction", message(plain.with(ctaTupleOrig, zoned...)), true, func(e *Entry) bool { return e.Zone == 7 }},
		{"OK counted", message(plain.with(ctaCountOrig, count(3, 200)...)), true,
			func(e *Entry) bool { return e.Counted && e.Sent == 3 }},
		{"bad count", message(plain.with(ctaCountOrig, attrs(part{ctaCounterPackets, []byte{1, 2}})...)), false, nil},
		{"bad count without packets", message(plain.with(ctaCountOrig, attrs(part{2, make([]byte, 8)})...)), false, nil},
		{"bad ID", message(plain.with(ctaID, 1, 2)), false, nil},
		{"OK offloaded: no state, no time-out", message(plain.without(ctaProtoInfo).without(ctaTimeout).with(ctaStatus, 0, 0, 0x40, 4)), true,
			func(e *Entry) bool { return e.State == None && e.Timeout == 0 && e.Status == Offload|Assured }},
		{"OK state unknown to us", message(plain.with(ctaProtoInfo, attrs(part{ctaProtoInfoTCP, attrs(part{ctaTCPState, []byte{77}})})...)), true,
			func(e *Entry) bool { return e.State == 77 }},
		{"OK state of another protocol", message(plain.with(ctaProtoInfo, attrs(part{3, attrs(part{1, []byte{4}})})...)), true,
			func(e *Entry) bool { return e.State == None }},
		{"OK unknown attributes", message(plain.with(200, 1, 2, 3)), true, func(e *Entry) bool { return e.State == Established }},
		{"OK protocol without ports", message(plain.with(ctaTupleOrig, ping()...).with(ctaTupleReply, ping()...).without(ctaProtoInfo)), true,
			func(e *Entry) bool { return e.Protocol == unix.IPPROTO_ICMP && e.Original.SourcePort == 0 }},
		{"bad empty", nil, false, nil},
		{"bad header", []byte{2, 0, 0}, false, nil},
		{"bad family", append([]byte{1, 0, 0, 0}, attrs(plain...)...), false, nil},
		{"bad without original", message(plain.without(ctaTupleOrig)), false, nil},
		{"bad without reply", message(plain.without(ctaTupleReply)), false, nil},
		{"bad without status", message(plain.without(ctaStatus)), false, nil},
		{"bad empty tuple", message(plain.with(ctaTupleOrig)), false, nil},
		{"bad IPv6 addresses in an IPv4 entry", message(plain.with(ctaTupleReply, six[1].value...)), false, nil},
		{"bad short address", message(plain.with(ctaTupleOrig, attrs(part{ctaTupleIP, attrs(part{1, []byte{1, 2, 3}}, part{2, []byte{1, 2, 3, 4}})})...)), false, nil},
		{"bad port", message(plain.with(ctaTupleOrig, append(tuple[:24:24], attrs(part{ctaTupleProto, attrs(part{1, []byte{6}}, part{2, []byte{1}})})...)...)), false, nil},
		{"bad protocol", message(plain.with(ctaTupleOrig, append(tuple[:24:24], attrs(part{ctaTupleProto, attrs(part{1, []byte{6, 6}})})...)...)), false, nil},
		{"bad status", message(plain.with(ctaStatus, 1, 2)), false, nil},
		{"bad time-out", message(plain.with(ctaTimeout)), false, nil},
		{"bad zone", message(plain.with(ctaZone, 1)), false, nil},
		{"bad zone of one direction", message(plain.with(ctaTupleOrig, append(bytes.Clone(tuple), attrs(part{ctaTupleZone, nil})...)...)), false, nil},
		{"bad state", message(plain.with(ctaProtoInfo, attrs(part{ctaProtoInfoTCP, attrs(part{ctaTCPState, nil})})...)), false, nil},
		{"bad nesting", message(plain.with(ctaProtoInfo, 9, 0, 1, 0, 0, 0, 0, 0)), false, nil},
		{"bad nesting below", message(plain.with(ctaProtoInfo, attrs(part{ctaProtoInfoTCP, []byte{3, 0, 1, 0}})...)), false, nil},
		{"bad end", append(message(plain), 0, 0, 0, 0), false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var e Entry
			if ok := e.decode(tt.in); ok != tt.ok {
				t.Fatalf("decoded: %v, want %v", ok, tt.ok)
			}
			if tt.ok && !tt.same(&e) {
				t.Errorf("got %+v", e)
			}
		})
	}
}

// ping is the content of a CTA_TUPLE of an ICMP echo.
func ping() []byte {
	return attrs(part{ctaTupleIP, attrs(part{1, []byte{10, 66, 0, 1}}, part{2, []byte{10, 77, 0, 1}})},
		part{ctaTupleProto, attrs(part{ctaProtoNum, []byte{unix.IPPROTO_ICMP}}, part{4, []byte{1, 2}}, part{5, []byte{8}})})
}

// count is the content of CTA_COUNTERS_ORIG.
func count(packets, bytes byte) []byte {
	return attrs(part{ctaCounterPackets, []byte{7: packets}}, part{2, []byte{7: bytes}})
}

func TestNames(t *testing.T) {
	for s, want := range map[State]string{Established: "ESTABLISHED", Closed: "CLOSE", SynSent2: "SYN_SENT2", 10: "STATE_10", 255: "STATE_255"} {
		if s.String() != want {
			t.Errorf("got %v, want %s", s, want)
		}
	}
	if s := SeenReply | Assured; !s.Has(Assured) || s.Has(Assured|Offload) || !s.Has(0) {
		t.Error("Has does not ask for all bits")
	}
}

// FuzzDecode checks that whatever comes in, an entry that is taken has all that makes one, and
// nothing is written to.
func FuzzDecode(f *testing.F) {
	f.Add(message(flow("10.66.0.1:40000", "10.77.0.1:8080", "10.55.0.2:80", "10.66.0.1:40000")))
	f.Add(message(flow("[2001:db8::1]:1", "[fd77::1]:80", "[fd55::2]:80", "[2001:db8::1]:1").with(ctaZone, 0, 5)))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		var e Entry
		ok := e.decode(b)
		if !bytes.Equal(b, before) {
			t.Fatal("the bytes were written to")
		}
		if !ok {
			return
		}
		if e.Family != b[0] || e.Family != unix.AF_INET && e.Family != unix.AF_INET6 {
			t.Errorf("family %d of %d", e.Family, b[0])
		}
		if got := e.Original.From().Addr(); e.Family == unix.AF_INET && !got.Is4() || !got.IsValid() {
			t.Errorf("source %v of family %d", got, e.Family)
		}
		found := 0
		a := nlwire.Attrs{Rest: b[nlwire.NetfilterHeader:]}
		for a.Next() {
			if a.Kind == ctaTupleOrig || a.Kind == ctaTupleReply || a.Kind == ctaStatus {
				found |= 1 << a.Kind
			}
		}
		if found != 1<<ctaTupleOrig|1<<ctaTupleReply|1<<ctaStatus {
			t.Errorf("an entry was taken from attributes %#b", found)
		}
		var again Entry
		if !again.decode(b) || again != e {
			t.Errorf("the second time it is %+v, the first time %+v", again, e)
		}
	})
}
