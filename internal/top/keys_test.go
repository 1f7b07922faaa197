package top

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

func TestMoving(t *testing.T) {
	r := newRig(t, crowded(), 80, 24)
	for _, step := range []struct {
		keys []string
		want string
	}{
		{nil, "web"}, {[]string{"j"}, "shop"}, {[]string{"down"}, "site-00"}, {[]string{"k"}, "shop"}, {[]string{"up", "up", "up"}, "web"},
		{[]string{"G"}, "site-97"}, {[]string{"down"}, "site-97"}, {[]string{"pgup"}, "site-85"}, {[]string{"ctrl+b"}, "site-73"},
		{[]string{"home"}, "web"}, {[]string{"pgdown"}, "site-10"}, {[]string{" "}, "site-22"}, {[]string{"ctrl+f"}, "site-34"},
		{[]string{"end"}, "site-97"}, {[]string{"g"}, "web"},
	} {
		r.press(step.keys...)
		if got := r.chosenLine(); !strings.HasPrefix(got, "▶ "+step.want+" ") {
			t.Errorf("after %q: chosen is %q, want %s\n%s", step.keys, got, step.want, r.screen())
		}
		r.shows("── " + step.want + "  enforce")
	}
}

// TestTheChoiceStays: the rows change places with each picture, the chosen one does not change.
func TestTheChoiceStays(t *testing.T) {
	s := attacked()
	r := newRig(t, s, 80, 24)
	r.press("2", "G")
	before := r.selected()
	next := attacked()
	next.Services[1].Limits = next.Services[1].Limits[:1]
	next.At = control.TimeOf(s.At.Add(time.Second))
	r.daemon.status = next
	r.round()
	if after := r.selected(); after.key != before.key {
		t.Errorf("chosen is %q, was %q", after.key, before.key)
	}
	next = attacked()
	next.Services = next.Services[:1]
	r.daemon.status = next
	r.round()
	if after := r.selected(); after.key != "mail 192.0.2.33/32" {
		t.Errorf("chosen is %q, want the only one that is left", after.key)
	}
}

func TestPanes(t *testing.T) {
	r := newRig(t, attacked(), 80, 24)
	for _, step := range []struct{ key, want string }{
		{"tab", "[2 Sources]"}, {"right", "[3 Attacks]"}, {"l", "[4 In force]"}, {"tab", "[1 Services]"}, {"shift+tab", "[4 In force]"},
		{"left", "[3 Attacks]"}, {"h", "[2 Sources]"}, {"1", "[1 Services]"}, {"2", "[2 Sources]"}, {"3", "[3 Attacks]"}, {"4", "[4 In force]"},
	} {
		r.press(step.key)
		r.shows(step.want)
	}
	if r.daemon.attacks != 0 {
		t.Errorf("asked for attacks %d times, before a round with their pane open", r.daemon.attacks)
	}
	r.press("3")
	r.round()
	r.shows("slow-application", "ended")
	if r.daemon.attacks != 1 {
		t.Errorf("asked for attacks %d times, want once", r.daemon.attacks)
	}
}

func TestSorting(t *testing.T) {
	r := newRig(t, attacked(), 100, 30)
	for _, tt := range []struct {
		pane   string
		orders map[string]string // the first row by order
	}{
		{"1", map[string]string{"attack": "web", "held": "web", "new": "web", "syns": "web", "name": "mail"}},
		{"2", map[string]string{"held": "198.51.100.1", "new": "203.0.113.7", "half-open": "203.0.113.7", "syns": "203.0.113.7"}},
		{"3", map[string]string{"newest": "   3 web", "peak": "   3 web", "blocked": "   3 web"}},
		{"4", map[string]string{"service": "block", "left": "limit", "held": "refuse", "source": "exempt"}},
	} {
		r.press(tt.pane)
		r.round()
		seen := make(map[string]bool)
		for range tt.orders {
			name := r.orders()[r.lists[r.pane].sort]
			seen[name] = true
			r.shows("sort: " + name)
			if got := r.chosenLine(); !strings.HasPrefix(got, "▶ "+tt.orders[name]) {
				t.Errorf("pane %s by %s: the first is %q, want %q", tt.pane, name, got, tt.orders[name])
			}
			r.press("s")
			r.round()
		}
		if len(seen) != len(tt.orders) {
			t.Errorf("pane %s: orders %v, want %v", tt.pane, seen, tt.orders)
		}
	}
	var asked []control.SourceOrder
	for _, q := range r.daemon.asked {
		if q.Sort != "" && (len(asked) == 0 || asked[len(asked)-1] != q.Sort) {
			asked = append(asked, q.Sort)
		}
	}
	if want := []control.SourceOrder{control.ByHeld, control.ByNew, control.ByHalfOpen, control.BySYNs, control.ByHeld}; !reflect.DeepEqual(asked, want) {
		t.Errorf("asked for sources by %v, want %v", asked, want)
	}
}

func TestFiltering(t *testing.T) {
	r := newRig(t, attacked(), 80, 24)
	r.press("2")
	r.round()
	r.press("/", "B", "L", "O", "C", "K")
	r.shows("find: BLOCK_", "203.0.113.7", "type a part of")
	r.hides("198.51.100.1")
	r.press("q", "backspace", "e", "d", "enter")
	r.shows("find: BLOCKed")
	r.hides("find: BLOCKed_")
	r.round()
	if q := r.daemon.asked[len(r.daemon.asked)-1]; q.State != control.SourceBlocked || q.Limit != mostSources {
		t.Errorf("asked for %+v, want the blocked ones", q)
	}
	r.press("esc")
	r.hides("find:")
	r.press("/", "w", "e", "b", " ", "x", "ctrl+u", "m", "a", "i", "l", "esc")
	r.hides("find:")
	r.press("/", "m", "a", "i", "l", "tab")
	r.shows("find: mail", "192.0.2.33")
	r.hides("198.51.100.1")
	if r.quit {
		t.Error("a q that was typed into the filter ended the program")
	}
}

func TestEnterOnAService(t *testing.T) {
	r := newRig(t, attacked(), 80, 24)
	r.press("enter")
	r.shows("[2 Sources]", "find: web", "198.51.100.1")
	r.round()
	if q := r.daemon.asked[len(r.daemon.asked)-1]; q.Service != "web" {
		t.Errorf("asked for %+v, want the service's", q)
	}
}

func TestWhy(t *testing.T) {
	for _, key := range []string{"w", "enter"} {
		r := newRig(t, attacked(), 80, 14)
		r.press("2", "G", key)
		r.shows("Why 203.0.113.7", "asking the daemon ...")
		r.round()
		r.shows("BLOCKED for 6m51s more", "esc back")
		if got := r.daemon.explained; len(got) != 1 || got[0] != netip.MustParseAddr("203.0.113.7") {
			t.Errorf("asked why for %v", got)
		}
		r.hides("next       the block ends by itself")
		r.press("end")
		r.shows("next       the block ends by itself")
		r.press("g")
		r.hides("next       the block ends by itself")
		r.press("pgdown")
		r.shows("next       the block ends by itself")
		r.press("pgup", "j", "k", "esc")
		r.hides("Why 203.0.113.7")
	}
}

func TestWhyWithoutAnAddress(t *testing.T) {
	r := newRig(t, attacked(), 80, 24)
	r.press("w")
	r.shows("choose an address first: they are under 2 Sources and 4 In force")
	r.press("j")
	r.hides("choose an address first")
}

func TestStoryOfAnAttack(t *testing.T) {
	r := newRig(t, attacked(), 80, 30)
	r.press("3")
	r.round()
	r.press("enter")
	r.shows("Attack 3", "OPEN for 3m10s", "sources blocked (3)")
	r.press("enter")
	r.shows("[3 Attacks]")
}

func TestHelp(t *testing.T) {
	r := newRig(t, attacked(), 80, 60)
	r.press("?")
	r.shows("Keys", "ctrl-z stops", "PARTLY")
	r.press("?")
	r.hides("ctrl-z stops")
	for i, line := range strings.Split(helpText, "\n") {
		if len(line) > leastWidth {
			t.Errorf("line %d of the help is %d columns wide", i+1, len(line))
		}
	}
}

func TestPause(t *testing.T) {
	r := newRig(t, attacked(), 80, 24)
	r.press("p")
	asked := len(r.daemon.asked)
	r.daemon.status = peaceful()
	r.round()
	r.shows("PAUSED", "ATTACK")
	if len(r.daemon.asked) != asked {
		t.Error("the daemon is asked during a pause")
	}
	r.press("p")
	r.round()
	r.shows("PEACE")
	r.hides("PAUSED")
}

// TestPauseWhileAsking drops the answer that comes then.
func TestPauseWhileAsking(t *testing.T) {
	r := newRig(t, attacked(), 80, 24)
	r.asking = true
	r.press("p")
	r.send(picture{status: peaceful()})
	r.shows("PAUSED", "ATTACK")
	if r.asking {
		t.Error("it believes to be asking still")
	}
}

func TestQuitting(t *testing.T) {
	for _, keys := range [][]string{{"q"}, {"ctrl+c"}, {"?", "q"}, {"/", "ctrl+c"}, {"2", "b", "ctrl+c"}} {
		r := newRig(t, attacked(), 80, 24)
		if r.press(keys...); !r.quit {
			t.Errorf("%q does not end it", keys)
		}
	}
	r := newRig(t, attacked(), 80, 24)
	if _, cmd := r.Update(keyNamed("ctrl+z")); cmd == nil || fmt.Sprintf("%T", cmd()) != "tea.SuspendMsg" {
		t.Error("ctrl+z does not suspend it")
	}
}

// TestPasteIsNoOrder: what a slip of the mouse inserts is text, not keys.
func TestPasteIsNoOrder(t *testing.T) {
	r := newRig(t, attacked(), 80, 24)
	r.press("2")
	for _, text := range []string{"b", "y", "q"} {
		k := keyNamed(text)
		k.Paste = true
		r.send(k)
	}
	if r.order != nil || r.quit || len(r.daemon.orders) > 0 {
		t.Error("a paste was taken for keys")
	}
	r.press("/")
	k := keyNamed("203.0.113.7\x1b\n")
	k.Paste = true
	r.send(k)
	r.shows("find: 203.0.113.7_")
}

// TestKeysReadAtOnce: a slow line brings several keys in one message, and a question is not answered by what
// was typed before it was asked.
func TestKeysReadAtOnce(t *testing.T) {
	r := newRig(t, attacked(), 80, 24)
	r.press("2j/203")
	r.shows("[2 Sources]", "find: 203_", "203.0.113.7")
	r.press("enter", "by")
	r.shows("BLOCK 203.0.113.7")
	if len(r.daemon.orders) > 0 {
		t.Errorf("ordered %+v before the question could be read", r.daemon.orders)
	}
	r.press("ty")
	if o := r.daemon.orders; len(o) != 1 || o[0].(control.BlockRequest).For != control.Duration(24*time.Hour) {
		t.Errorf("ordered %+v, want one block for a day", o)
	}
}

func TestOrders(t *testing.T) {
	day := control.Duration(24 * time.Hour)
	for _, tt := range []struct {
		name string
		keys []string
		asks string
		want any
		says string
	}{
		{"block", []string{"2", "b"}, "BLOCK 198.51.100.1 at all services for 1h00m?", control.BlockRequest{Prefix: "198.51.100.1", For: control.Duration(time.Hour), Reason: reason},
			"198.51.100.1 is blocked at all services for 1h00m; 192.0.2.0/24 stays exempt"},
		{"block a prefix for a day at one service", []string{"2", "j", "b", "t", "a"}, "BLOCK 2001:db8:bad:cafe::/64 at web for 1d00h?",
			control.BlockRequest{Prefix: "2001:db8:bad:cafe::/64", For: day, Service: "web", Reason: reason}, "2001:db8:bad:cafe::/64 is blocked at web for 1d00h"},
		{"block for ten minutes", []string{"2", "b", "t", "t", "t"}, "for 10m00s?", control.BlockRequest{Prefix: "198.51.100.1", For: control.Duration(10 * time.Minute), Reason: reason}, "is blocked"},
		{"unblock", []string{"4", "u"}, "UNBLOCK 203.0.113.7 at all services?", control.UnblockRequest{Prefix: "203.0.113.7"}, "203.0.113.7 is free at all services: 5,000 blocks and 2 limits ended"},
		{"exempt", []string{"2", "e", "a", "a"}, "EXEMPT 198.51.100.1 at all services for 1d00h?", control.ExemptRequest{Prefix: "198.51.100.1", For: day, Reason: reason},
			"198.51.100.1 is exempt at all services for 1d00h"},
		{"mode", []string{"m"}, "MODE shadow at web for 15m00s?", control.ModeRequest{Mode: policy.Shadow, Service: "web", For: control.Duration(15 * time.Minute)}, "mode shadow at web for 15m00s"},
		{"mode for good, everywhere", []string{"j", "m", "t", "t", "a"}, "MODE enforce at all services?", control.ModeRequest{Mode: policy.Enforce}, "mode enforce at all services"},
		{"mode from a source", []string{"2", "m"}, "MODE shadow at web", control.ModeRequest{Mode: policy.Shadow, Service: "web", For: control.Duration(15 * time.Minute)}, "mode shadow at web"},
	} {
		r := newRig(t, attacked(), 100, 30)
		for _, k := range tt.keys {
			r.press(k)
			if r.order == nil {
				r.round()
			}
		}
		r.shows(tt.asks, "y yes   n no")
		if len(r.daemon.orders) > 0 {
			t.Errorf("%s: ordered before the answer", tt.name)
		}
		r.press("y")
		r.shows(tt.says)
		if !reflect.DeepEqual(r.daemon.orders, []any{tt.want}) {
			t.Errorf("%s: ordered %+v, want %+v", tt.name, r.daemon.orders, tt.want)
		}
		r.press("k")
		r.hides(tt.says)
	}
}

// TestOnlyYesOrders: every other key leaves everything as it is.
func TestOnlyYesOrders(t *testing.T) {
	for _, key := range []string{"n", "esc", "enter", "q", "j", "Y", " "} {
		r := newRig(t, attacked(), 80, 24)
		r.press("2", "b", key)
		r.shows("nothing was changed")
		if len(r.daemon.orders) > 0 || r.order != nil || r.quit {
			t.Errorf("%q: orders %v, quit %t", key, r.daemon.orders, r.quit)
		}
	}
}

// TestTheOrderIsAboutWhatWasAsked: another picture in between does not change it.
func TestTheOrderIsAboutWhatWasAsked(t *testing.T) {
	r := newRig(t, attacked(), 80, 24)
	r.press("2", "b")
	r.daemon.status = peaceful()
	r.round()
	r.press("y")
	if o := r.daemon.orders; len(o) != 1 || o[0].(control.BlockRequest).Prefix != "198.51.100.1" {
		t.Errorf("ordered %+v", o)
	}
}

func TestOrdersThatCannotBeGiven(t *testing.T) {
	sudo := func(c *Config) { c.WhyNot = "only root may: sudo ebbgate top" }
	for _, key := range []string{"b", "u", "e", "m"} {
		r := newRig(t, attacked(), 80, 24, sudo)
		r.press("2", key)
		r.shows("only root may: sudo ebbgate top")
		r.hides("y yes")
	}
	for _, key := range []string{"b", "u", "e"} {
		r := newRig(t, attacked(), 80, 24)
		r.press(key)
		r.shows("choose an address first")
	}
	r := newRig(t, empty(), 80, 24)
	r.press("m")
	r.shows("choose a service first")
	r = newRig(t, attacked(), 80, 24)
	r.sending = true
	r.press("2", "b")
	r.shows("still being carried out")
}

func TestRefusedOrder(t *testing.T) {
	for name, err := range map[string]error{
		"there is no block of 203.0.113.7": &control.Error{Kind: control.KindNotFound, Message: "there is no block of 203.0.113.7"},
		`broken \x1b[2J`:                   errors.New("broken \x1b[2J"),
	} {
		r := newRig(t, attacked(), 80, 24)
		r.daemon.orderErr = err
		r.press("2", "u", "y")
		r.shows(name)
	}
}
