package setdump

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// decodeAll returns copies of the elements in a body.
func decodeAll(b []byte) (all []Element, ok bool) {
	var e Element
	ok = decodeElements(b, &e, func(e *Element) {
		kept := *e
		kept.Key, kept.Jump = bytes.Clone(e.Key), bytes.Clone(e.Jump)
		all = append(all, kept)
	})
	return all, ok
}

func key(s string) []byte { return netip.MustParseAddr(s).AsSlice() }

func TestDecodeCaptured(t *testing.T) {
	ms := time.Millisecond
	tests := map[string][]Element{
		"empty":  nil,
		"plain4": {{Key: key("10.0.0.1")}, {Key: key("10.0.0.2")}},
		"timed6": {
			{Key: key("2001:db8::1"), Timeout: 30 * time.Second, Expires: 29916 * ms},
			{Key: key("2001:db8::2"), Expires: 599916 * ms},
		},
		"counted":  {{Key: key("10.0.0.1"), HasCounter: true, Packets: 5, Bytes: 300}},
		"limited":  {{Key: key("10.0.0.1")}},
		"metered":  {{Key: key("10.0.0.1"), HasCounter: true, Packets: 7, Bytes: 9, Expires: 59904 * ms}},
		"ranges":   {{Key: key("11.0.0.0"), IntervalEnd: true}, {Key: key("10.0.0.0")}, {Key: key("0.0.0.0"), IntervalEnd: true}},
		"pairs":    {{Key: []byte{10, 0, 0, 1, 0, 80, 0, 0}}},
		"catchAll": {{Timeout: 5 * time.Minute, Expires: 299872 * ms}},
		"verdicts": {{Key: []byte{0, 80}, Timeout: 30 * time.Second, Expires: 29848 * ms}},
	}
	for name, text := range captured {
		t.Run(name, func(t *testing.T) {
			want, known := tests[name]
			got, ok := decodeAll(unhex(t, text))
			if !known || !ok || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v; want %+v", got, ok, want)
			}
		})
	}
}

// nest builds an attribute out of parts.
func nest(kind uint16, parts ...[]byte) []byte {
	return nlwire.AppendBytes(nil, kind, bytes.Join(parts, nil))
}

func be64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// verdict is the data of a verdict map's element.
func verdict(code int32, parts ...[]byte) []byte {
	number := nest(unix.NFTA_VERDICT_CODE, binary.BigEndian.AppendUint32(nil, uint32(code)))
	return nest(unix.NFTA_SET_ELEM_DATA, nest(unix.NFTA_DATA_VERDICT, append([][]byte{number}, parts...)...))
}

func counter(parts ...[]byte) []byte {
	return bytes.Join([][]byte{nest(unix.NFTA_EXPR_NAME, []byte("counter\x00")), nest(unix.NFTA_EXPR_DATA, parts...)}, nil)
}

func TestDecodeElement(t *testing.T) {
	addr := nest(unix.NFTA_SET_ELEM_KEY, nest(unix.NFTA_DATA_VALUE, key("10.0.0.1")))
	packets := nest(unix.NFTA_COUNTER_PACKETS, be64(3))
	limit := bytes.Join([][]byte{nest(unix.NFTA_EXPR_NAME, []byte("limit\x00")), nest(unix.NFTA_EXPR_DATA, packets)}, nil)
	plain := Element{Key: key("10.0.0.1")}
	counted := Element{Key: key("10.0.0.1"), HasCounter: true, Packets: 3}
	longest := Element{Timeout: time.Duration(math.MaxInt64 / int64(time.Millisecond) * int64(time.Millisecond))}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	tests := []struct {
		name string
		in   []byte
		ok   bool
		want Element
	}{
		{"nothing", nil, true, Element{}},
		{"unknown attribute", join(addr, nest(77, []byte("new"))), true, plain},
		{"nested flag", join(nest(unix.NFTA_SET_ELEM_KEY|unix.NLA_F_NESTED, nest(unix.NFTA_DATA_VALUE, key("10.0.0.1")))), true, plain},
		{"counter", join(addr, nest(unix.NFTA_SET_ELEM_EXPR, counter(packets))), true, counted},
		{"counter after limit", join(addr, nest(elementExpressions, nest(1, limit), nest(1, counter(packets)))), true, counted},
		{"counter alone in a list", join(addr, nest(elementExpressions, nest(1, counter(packets)))), true, counted},
		{"data before name", join(addr, nest(unix.NFTA_SET_ELEM_EXPR, nest(unix.NFTA_EXPR_DATA, packets),
			nest(unix.NFTA_EXPR_NAME, []byte("counter\x00")))), true, counted},
		{"limit with a counter's numbers", join(addr, nest(unix.NFTA_SET_ELEM_EXPR, limit)), true, plain},
		{"counter of a longer name", join(addr, nest(unix.NFTA_SET_ELEM_EXPR, nest(unix.NFTA_EXPR_NAME, []byte("counters\x00")))), true, plain},
		{"longest time-out", nest(unix.NFTA_SET_ELEM_TIMEOUT, be64(math.MaxUint64)), true, longest},
		{"jump", join(addr, verdict(unix.NFT_JUMP, nest(unix.NFTA_VERDICT_CHAIN, []byte("web_refuse\x00")))), true,
			Element{Key: key("10.0.0.1"), Jump: []byte("web_refuse")}},
		{"goto is no jump", join(addr, verdict(unix.NFT_GOTO, nest(unix.NFTA_VERDICT_CHAIN, []byte("web_refuse\x00")))), true, plain},
		{"drop is no jump", join(addr, verdict(0)), true, plain},
		{"data of a map", join(addr, nest(unix.NFTA_SET_ELEM_DATA, nest(unix.NFTA_DATA_VALUE, []byte{1, 2, 3, 4}))), true, plain},
		{"bad verdict", join(addr, nest(unix.NFTA_SET_ELEM_DATA, nest(unix.NFTA_DATA_VERDICT, []byte{1, 2, 3}))), false, Element{}},
		{"bad data", join(addr, nest(unix.NFTA_SET_ELEM_DATA, []byte{1, 2, 3})), false, Element{}},
		{"bad key without value", nest(unix.NFTA_SET_ELEM_KEY), false, Element{}},
		{"bad key", nest(unix.NFTA_SET_ELEM_KEY, []byte{9, 0, 1, 0, 1}), false, Element{}},
		{"bad flags", nest(unix.NFTA_SET_ELEM_FLAGS, []byte{1}), false, Element{}},
		{"bad time-out", nest(unix.NFTA_SET_ELEM_TIMEOUT, []byte{1, 2, 3, 4}), false, Element{}},
		{"bad expiration", nest(unix.NFTA_SET_ELEM_EXPIRATION, nil), false, Element{}},
		{"bad packets", nest(unix.NFTA_SET_ELEM_EXPR, counter(nest(unix.NFTA_COUNTER_PACKETS, []byte{1}))), false, Element{}},
		{"bad bytes", nest(unix.NFTA_SET_ELEM_EXPR, counter(nest(unix.NFTA_COUNTER_BYTES, nil))), false, Element{}},
		{"bad counter", nest(unix.NFTA_SET_ELEM_EXPR, counter([]byte{1, 2})), false, Element{}},
		{"bad expression", nest(unix.NFTA_SET_ELEM_EXPR, []byte{1, 2, 3}), false, Element{}},
		{"bad list", nest(elementExpressions, nest(1, counter()), []byte{2, 0, 0, 0}), false, Element{}},
		{"bad end", join(addr, []byte{1}), false, Element{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := Element{Key: []byte("old"), IntervalEnd: true, Timeout: 1, Expires: 1, HasCounter: true, Packets: 1, Bytes: 1}
			ok := e.decode(tt.in)
			if ok != tt.ok || ok && !reflect.DeepEqual(e, tt.want) {
				t.Errorf("got %+v, %v; want %+v, %v", e, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestDecodeKeepsWhatCameBeforeTheFlaw(t *testing.T) {
	good := unhex(t, captured["plain4"])
	for n := range good {
		all, ok := decodeAll(good[:n])
		if ok && n > 24 || len(all) > 2 {
			t.Errorf("%d of %d bytes: %d elements, %v", n, len(good), len(all), ok)
		}
	}
	damaged := bytes.Clone(good)
	copy(damaged[len(damaged)-16:], []byte{0xff, 0xff})
	if all, ok := decodeAll(damaged); ok || len(all) != 1 || !bytes.Equal(all[0].Key, key("10.0.0.1")) {
		t.Errorf("second element damaged: %+v, %v", all, ok)
	}
}

func TestDecodeCount(t *testing.T) {
	for name, want := range map[string]int{"plain4": 2, "metered": 1} {
		if n, ok, whole := decodeCount(unhex(t, capturedSets[name])); n != want || !ok || !whole {
			t.Errorf("%s: got %d, %v, %v; want %d", name, n, ok, whole, want)
		}
	}
	header := []byte{1, 0, 0, 2}
	tests := []struct {
		name  string
		in    []byte
		n     int
		ok    bool
		whole bool
	}{
		{"older kernel", append(header, nest(unix.NFTA_SET_NAME, []byte("s\x00"))...), 0, false, true},
		{"in network order", append(header, nest(setCount, []byte{0, 1, 0, 0})...), 65536, true, true},
		{"bad header", header[:3], 0, false, false},
		{"bad width", append(header, nest(setCount, be64(1))...), 0, false, false},
		{"bad end", append(header, 1, 2), 0, false, false},
	}
	for _, tt := range tests {
		if n, ok, whole := decodeCount(tt.in); n != tt.n || ok != tt.ok || whole != tt.whole {
			t.Errorf("%s: got %d, %v, %v; want %d, %v, %v", tt.name, n, ok, whole, tt.n, tt.ok, tt.whole)
		}
	}
}

func TestGenerations(t *testing.T) {
	var g generations
	for _, step := range []struct {
		body    []byte
		changed bool
	}{{[]byte{1, 0, 0, 7, 9}, false}, {nil, false}, {[]byte{2, 0, 0, 7}, false}, {[]byte{1, 0, 1, 7}, true}, {[]byte{1, 0, 0, 7}, true}} {
		if g.see(step.body); g.changed != step.changed {
			t.Errorf("after %x: changed is %v", step.body, g.changed)
		}
	}
}

func TestNames(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), maxName))
	c := new(Conn) // without a socket: nothing may be sent
	for _, req := range []Request{{}, {Table: "t"}, {Set: "s"}, {Table: long + "x", Set: "s"}, {Table: "t", Set: "s\x00"}} {
		if err := c.Dump(req, nil); err == nil {
			t.Errorf("dump of %q %q was accepted", req.Table, req.Set)
		}
		if _, _, err := c.Count(req.Table, req.Set); err == nil {
			t.Errorf("count of %q %q was accepted", req.Table, req.Set)
		}
	}
	if err := checkNames(long, "s"); err != nil {
		t.Error(err)
	}
}
