package enforcer

import (
	"os/exec"
	"strings"
	"testing"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nlwire"
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
		{"a conntrack time-out without a rule", "add ct timeout inet fw t { protocol tcp; l3proto ip; policy = { established : 60 }; }", true},
		{"a conntrack helper without a rule", "add ct helper inet fw h { type \"ftp\" protocol tcp; l3proto ip; }", true},
		{"an expectation without a rule", "add ct expectation inet fw x { protocol tcp; dport 99; timeout 1h; size 5; l3proto ip; }", true},
		{"SYNPROXY without a rule", "add synproxy inet fw y { mss 1460; wscale 7; }", true},
		{"connlimit in the set alone", "add set inet fw s { type ipv4_addr; size 10; flags dynamic; ct count over 10; }", true},
		{"connlimit in the set of a rule", "add set inet fw s { type ipv4_addr; size 10; flags dynamic; ct count over 10; }; add rule inet fw c add @s { ip saddr } drop", true},
		{"connection mark in a concatenation", "add set inet fw s { type mark . ipv4_addr; }; add rule inet fw c ct mark . ip saddr @s drop", true},
		{"a set of marks alone", "add set inet fw s { typeof ct mark . ip saddr; }", false},
		{"a state map by name", "add map inet fw m { type ct_state : verdict; elements = { established : accept }; }; add rule inet fw c ct state vmap @m", true},
		{"a chain without a hook", "add chain inet fw u; add rule inet fw u ct state new accept", true},
		{"a dormant table", "add table ip asleep { flags dormant; }; add chain ip asleep d { type filter hook input priority 0; }; add rule ip asleep d ct state new", true},
		{"chains of type nat without rules", "add chain inet fw n { type nat hook prerouting priority -100; }; add chain inet fw o { type nat hook postrouting priority 100; }", false},
		{"a chain of type nat that translates nothing", "add table ip x; add chain ip x n { type nat hook prerouting priority -100; }; add rule ip x n tcp dport 80 counter accept", false},
		{"redirect by a map", "add chain inet fw n { type nat hook prerouting priority -100; }; add rule inet fw n meta l4proto tcp redirect to tcp dport map { 80 : 8080 }", true},
		{"notrack alone", "add chain inet fw r { type filter hook prerouting priority -300; }; add rule inet fw r notrack", false},
		{"a rate limit in a set", "add set inet fw s { type ipv4_addr; size 10; flags dynamic; }; add rule inet fw c add @s { ip saddr limit rate 5/second } drop", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tb := open(t)
			nft(t, "add table inet fw; add chain inet fw c { type filter hook input priority 0; }; "+tt.rule)
			if runs := conntrackRuns(t); runs != tt.want {
				t.Fatalf("conntrack runs: %t, which is not what this test takes for true", runs)
			}
			change, err := tb.Look(true)
			if err != nil {
				t.Fatal(err)
			}
			if got := tb.Environment().OthersTrack; got != tt.want || change.Track != tt.want {
				t.Errorf("OthersTrack = %t, change %+v; want %t", got, change, tt.want)
			}
			nft(t, "flush ruleset")
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

// TestExtensionsOfIPTables loads single rules of iptables-nft, whose matches and targets are opaque to
// nf_tables.
func TestExtensionsOfIPTables(t *testing.T) {
	for rule, want := range map[string]bool{
		"-A INPUT -p tcp --dport 22 -j ACCEPT":                      false,
		"-A INPUT -m state --state NEW -j ACCEPT":                   true,
		"-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT":     true,
		"-A INPUT -m connmark --mark 1 -j ACCEPT":                   true,
		"-A INPUT -m recent --name r --set":                         false,
		"-A INPUT -m statistic --mode random --probability 0.5":     false,
		"-t nat -A POSTROUTING -o eth9 -j MASQUERADE":               true,
		"-t nat -A PREROUTING -p tcp --dport 80 -j RETURN":          false,
		"-t nat -A PREROUTING -p tcp -j DNAT --to 10.0.0.2":         true,
		"-t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 8080":   true,
		"-t raw -A PREROUTING -p udp --dport 53 -j CT --notrack":    false,
		"-t raw -A PREROUTING -p udp --dport 53 -j NOTRACK":         false,
		"-t raw -A PREROUTING -p tcp --dport 21 -j CT --zone 3":     true,
		"-t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp": true,
	} {
		t.Run(rule, func(t *testing.T) {
			tb := open(t)
			if out, err := exec.Command("iptables-nft", strings.Fields(rule)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if runs := conntrackRuns(t); runs != want {
				t.Fatalf("conntrack runs: %t, which is not what this test takes for true", runs)
			}
			if _, err := tb.Look(true); err != nil || tb.Environment().OthersTrack != want {
				t.Errorf("OthersTrack = %t, %v, want %t", tb.Environment().OthersTrack, err, want)
			}
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
func attr(kind byte, value ...byte) []byte { return nlwire.AppendBytes(nil, uint16(kind), value) }

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
		{"iptables-nft CT", ruleMessage("raw", "target", name("CT"), attr(3, 0, 0, 1, 0)), true},
		{"iptables-nft CT without its flags", ruleMessage("raw", "target", name("CT")), true},
		{"iptables-nft CT --notrack", ruleMessage("raw", "target", name("CT"), attr(3, 1, 0, 0, 0)), false},
		{"a flowtable", ruleMessage("fw", "flow_offload", attr(1, []byte("ft\x00")...)), true},
		{"a helper by name", ruleMessage("fw", "objref", attr(1, 0, 0, 0, 3)), true},
		{"a counter by name", ruleMessage("fw", "objref", attr(1, 0, 0, 0, 1)), false},
		{"bridge", append([]byte{7, 0, 0, 0}, ruleMessage("br", "ct")[4:]...), true},
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

func TestObjectsAndSetsThatTrack(t *testing.T) {
	message := func(table string, parts ...[]byte) []byte {
		return append([]byte{1, 0, 0, 0}, nest(1, append([][]byte{attr(1, append([]byte(table), 0)...)}, parts...)...)[4:]...)
	}
	count := nest(17, attr(1, []byte("connlimit\x00")...))
	counts := nest(18, nest(1, attr(1, []byte("counter\x00")...)), nest(1, attr(1, []byte("connlimit\x00")...)))
	for _, tt := range []struct {
		name   string
		tracks func([]byte) bool
		msg    []byte
		want   bool
	}{
		{"connlimit", objectTracks, message("fw", attr(3, 0, 0, 0, 5)), true},
		{"our connlimit", objectTracks, message(TableName, attr(3, 0, 0, 0, 5)), false},
		{"counter", objectTracks, message("fw", attr(3, 0, 0, 0, 1)), false},
		{"object without a type", objectTracks, message("fw"), false},
		{"type of two bytes", objectTracks, message("fw", attr(3, 0, 5)), false},
		{"set", setTracks, message("fw", count), true},
		{"set of several", setTracks, message("fw", counts), true},
		{"our set", setTracks, message(TableName, count), false},
		{"plain set", setTracks, message("fw"), false},
		{"nothing", setTracks, nil, false},
	} {
		if got := tt.tracks(tt.msg); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
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
		if (objectTracks(msg) || setTracks(msg)) && len(msg) < 4+4+4 {
			t.Errorf("%d bytes keep conntrack running", len(msg))
		}
		if uses && placeOf(msg).table == "" && len(msg) < 4+4+4 {
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
