package enforcer

import (
	"testing"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nstest"
)

func TestOthersConntrackIsNoticed(t *testing.T) {
	tests := []struct {
		name string
		rule string // in nft syntax, in a table of somebody else's
		want bool
	}{
		{"no conntrack", "add rule inet fw c tcp dport 22 counter accept", false},
		{"connection state", "add rule inet fw c ct state established,related accept", true},
		{"connection state in a verdict map", "add rule inet fw c ct state vmap { established : accept, invalid : drop }", true},
		{"connlimit", "add rule inet fw c ct count over 10 drop", true},
		{"connlimit in a set", "add set inet fw s { type ipv4_addr; size 10; flags dynamic; }; add rule inet fw c add @s { ip saddr ct count over 10 } drop", true},
		{"masquerade", "add chain inet fw n { type nat hook postrouting priority 100; }; add rule inet fw n masquerade", true},
		{"destination NAT", "add chain inet fw n { type nat hook prerouting priority -100; }; add rule inet fw n tcp dport 80 dnat ip to 10.0.0.2", true},
		{"redirect", "add chain inet fw n { type nat hook prerouting priority -100; }; add rule inet fw n tcp dport 80 redirect to :8080", true},
		{"a conntrack time-out", "add ct timeout inet fw t { protocol tcp; l3proto ip; policy = { established : 60 }; }; add chain inet fw r { type filter hook prerouting priority 0; }; add rule inet fw r ct timeout set \"t\"", true},
		{"notrack alone", "add chain inet fw r { type filter hook prerouting priority -300; }; add rule inet fw r notrack", false},
		{"a rate limit in a set", "add set inet fw s { type ipv4_addr; size 10; flags dynamic; }; add rule inet fw c add @s { ip saddr limit rate 5/second } drop", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tb := open(t)
			nft(t, "add table inet fw; add chain inet fw c { type filter hook input priority 0; }; "+tt.rule)
			change, err := tb.Look(true)
			if err != nil {
				t.Fatal(err)
			}
			if got := tb.Environment().OthersTrack; got != tt.want || change.Track != tt.want {
				t.Errorf("OthersTrack = %t, change %+v; want %t", got, change, tt.want)
			}
			nft(t, "delete table inet fw")
			// Everybody's rules are listed at most every half second.
			nstest.Await(t, "its removal to be noticed", func() bool {
				if _, err := tb.Look(true); err != nil {
					t.Fatal(err)
				}
				return !tb.Environment().OthersTrack
			})
		})
	}
}

func TestOurOwnConntrackIsNotTakenForOthers(t *testing.T) {
	tb := open(t)
	apply(t, tb, onePolicy(web()), flood("web", boottime.Now()+300*second))
	nft(t, "add table inet harmless") // a change by others, so that Look looks
	change, err := tb.Look(true)
	if err != nil || change != (Change{}) || tb.Environment().OthersTrack {
		t.Errorf("Look = %+v, %v, OthersTrack %t", change, err, tb.Environment().OthersTrack)
	}
	if have := tb.Have().Ruleset; !have.Tracks() {
		t.Error("the ruleset does not hold anybody")
	}
}

// attr encodes one netlink attribute.
func attr(kind byte, value ...byte) []byte {
	b := append([]byte{byte(4 + len(value)), 0, kind, 0}, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func nest(kind byte, parts ...[]byte) []byte {
	var v []byte
	for _, p := range parts {
		v = append(v, p...)
	}
	return attr(kind, v...)
}

// ruleMessage is a rule of a table of family inet as the kernel describes it.
func ruleMessage(table, expression string, data ...[]byte) []byte {
	e := nest(1, append([][]byte{attr(1, append([]byte(expression), 0)...)}, nest(2, data...))...)
	return append([]byte{1, 0, 0, 0}, append(attr(1, append([]byte(table), 0)...), nest(4, e)...)...)
}

func TestUsesTrack(t *testing.T) {
	name := func(s string) []byte { return attr(1, append([]byte(s), 0)...) }
	tests := []struct {
		name string
		msg  []byte
		want bool
	}{
		{"ct", ruleMessage("fw", "ct"), true},
		{"ours", ruleMessage(TableName, "ct"), false},
		{"our name, another family", append([]byte{2, 0, 0, 0}, ruleMessage(TableName, "ct")[4:]...), true},
		{"counter", ruleMessage("fw", "counter"), false},
		{"iptables-nft state match", ruleMessage("filter", "match", name("state")), true},
		{"iptables-nft tcp match", ruleMessage("filter", "match", name("tcp")), false},
		{"iptables-nft MASQUERADE", ruleMessage("nat", "target", name("MASQUERADE")), true},
		{"iptables-nft REJECT", ruleMessage("filter", "target", name("REJECT")), false},
		{"empty", nil, false},
		{"header alone", []byte{1, 0, 0, 0}, false},
		{"attribute longer than the message", []byte{1, 0, 0, 0, 200, 0, 4, 0, 1}, false},
		{"attribute of no length", []byte{1, 0, 0, 0, 0, 0, 4, 0}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := usesTrack(tt.msg); got != tt.want {
				t.Errorf("usesTrack = %t, want %t", got, tt.want)
			}
		})
	}
}

// FuzzUsesTrack feeds the decoder of rules anything: it must neither panic nor take our own table
// for somebody else's.
func FuzzUsesTrack(f *testing.F) {
	f.Add(ruleMessage("fw", "ct"))
	f.Add(ruleMessage(TableName, "ct"))
	f.Add(ruleMessage("nat", "target", attr(1, []byte("MASQUERADE\x00")...)))
	f.Add(ruleMessage("fw", "dynset", nest(10, nest(1, attr(1, []byte("connlimit\x00")...)))))
	f.Add([]byte{1, 0, 0, 0, 4, 0, 1, 0, 3})
	f.Fuzz(func(t *testing.T, msg []byte) {
		uses := usesTrack(msg)
		if uses && len(msg) < 4+4+4 {
			t.Errorf("%d bytes use conntrack", len(msg))
		}
		if again := usesTrack(msg); again != uses {
			t.Error("two answers to one message")
		}
	})
}

func TestInPeaceNobodyIsWatched(t *testing.T) {
	tb := open(t)
	nft(t, "add table inet fw; add chain inet fw c { type filter hook input priority 0; }; add rule inet fw c ct state new accept")
	if c, err := tb.Look(false); err != nil || c != (Change{}) {
		t.Errorf("Look(false) = %+v, %v; want no look at all", c, err)
	}
	if !tb.Environment().OthersTrack {
		t.Error("what others do was not looked at, and is taken to be nothing")
	}
	if c, err := tb.Look(true); err != nil || !c.Track {
		t.Errorf("Look(true) = %+v, %v; want Track", c, err)
	}
}
