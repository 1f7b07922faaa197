package policy

import (
	"math"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

const (
	hour   = Instant(time.Hour)
	minute = Instant(time.Minute)
)

func keptBlock(source string, until Instant) BlockState {
	return BlockState{Service: "web", Source: netip.MustParsePrefix(source), Cause: ConnectionFlood, Mode: Enforce, Peak: 500, Strikes: 2,
		Since: until - 10*minute, Until: until, Decay: until + 24*hour, Close: true, Counted: 5, Reason: Reason{Rule: rulePerSource, Measured: 500, Threshold: 100, At: until - 10*minute}}
}

const restorePolicy = "mode = \"enforce\"\n" + web + "connections.per_source = 100\n"

// wallAt is a wall clock so long after another.
func wallAt(d time.Duration) int64 {
	return time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC).Add(d).UnixNano()
}

// A block that had six minutes left when it was kept, ten hours after boot.
func TestRestoreTime(t *testing.T) {
	p := mustParse(t, restorePolicy)
	saved := Moment{Boot: "a", At: 10 * hour, Wall: wallAt(0)}
	for _, c := range []struct {
		name string
		now  Moment
		left time.Duration // of the block
	}{
		{"a moment later", Moment{"a", 10*hour + minute, wallAt(time.Minute)}, 5 * time.Minute},
		{"the wall clock went back", Moment{"a", 10*hour + minute, wallAt(-time.Hour)}, 5 * time.Minute},
		{"the wall clock leapt", Moment{"a", 10*hour + minute, wallAt(99999 * time.Hour)}, 5 * time.Minute},
		{"it ended", Moment{"a", 11 * hour, wallAt(0)}, -54 * time.Minute},
		{"rebooted", Moment{"b", Instant(20 * time.Second), wallAt(2 * time.Minute)}, 4 * time.Minute},
		{"rebooted, long off", Moment{"b", minute, wallAt(24 * time.Hour)}, 6*time.Minute - 24*time.Hour},
		{"rebooted, the wall clock went back", Moment{"b", Instant(20 * time.Second), wallAt(-24 * time.Hour)}, 6*time.Minute - 20*time.Second},
		{"rebooted, no clock at all", Moment{"b", 2 * minute, 0}, 4 * time.Minute},
		{"rebooted, the wall clock stood still", Moment{"b", 2 * minute, wallAt(time.Second)}, 4 * time.Minute},
		{"rebooted, off for as long as can be believed", Moment{"b", minute, wallAt(longestOff)}, 6*time.Minute - longestOff},
		{"rebooted, the wall clock leapt by years", Moment{"b", minute, wallAt(9000 * time.Hour)}, 5 * time.Minute},
		{"the boot is not known", Moment{"", 10*hour + minute, wallAt(2 * time.Minute)}, 6*time.Minute - 10*time.Hour - time.Minute},
		{"the same boot, but the clock is younger", Moment{"a", minute, wallAt(2 * time.Minute)}, 4 * time.Minute},
	} {
		s, left := Restore(p, Kept{Saved: saved, Attacks: 7, Seed: 9, Blocks: []BlockState{keptBlock("198.51.100.7/32", 10*hour+6*minute)}}, c.now)
		if len(s.Blocks) != 1 || left != 0 || s.Attacks != 7 || s.Seed != 9 || s.At != 0 {
			t.Fatalf("%s: %+v, %d left out", c.name, s, left)
		}
		b := s.Blocks[0]
		if got := b.Until.Sub(c.now.At); got != c.left {
			t.Errorf("%s: it lasts for another %v, want %v", c.name, got, c.left)
		}
		if b.Strikes != 2 || b.Decay-b.Until != 24*hour || b.Close || b.Since > c.now.At {
			t.Errorf("%s: %+v", c.name, b)
		}
		first := Observation{At: c.now.At, Wall: c.now.Wall}
		next, d := Step(p, s, first)
		if want := c.left > 0; (len(d.Blocks) == 1) != want || len(d.Attacks) > 0 {
			t.Errorf("%s: the first decision has blocks %+v, attacks %+v", c.name, d.Blocks, d.Attacks)
		}
		if len(d.Blocks) == 1 && len(next.Blocks) == 1 && next.Blocks[0].Strikes != 2 {
			t.Errorf("%s: after a turn %+v", c.name, next.Blocks)
		}
	}
}

func TestRestoreLeavesOutWhatCannotBe(t *testing.T) {
	p := mustParse(t, restorePolicy)
	now := Moment{"a", 10 * hour, wallAt(0)}
	for name, change := range map[string]func(*BlockState){
		"no service":              func(b *BlockState) { b.Service = "" },
		"a service with an ESC":   func(b *BlockState) { b.Service = "\x1b[0m" },
		"a long service":          func(b *BlockState) { b.Service = "0123456789012345678901234567890123" },
		"no source":               func(b *BlockState) { b.Source = netip.Prefix{} },
		"everybody":               func(b *BlockState) { b.Source = netip.MustParsePrefix("0.0.0.0/0") },
		"a source not masked":     func(b *BlockState) { b.Source = netip.MustParsePrefix("192.0.2.1/24") },
		"a mapped source":         func(b *BlockState) { b.Source = netip.MustParsePrefix("::ffff:192.0.2.1/128") },
		"no cause":                func(b *BlockState) { b.Cause = "" },
		"another mode":            func(b *BlockState) { b.Mode = 9 },
		"no strike":               func(b *BlockState) { b.Strikes = 0 },
		"strikes without an end":  func(b *BlockState) { b.Strikes = math.MaxInt },
		"less than nothing":       func(b *BlockState) { b.Peak = -1 },
		"an end before it began":  func(b *BlockState) { b.Since = b.Until + 1 },
		"decay before its end":    func(b *BlockState) { b.Decay = b.Until - 1 },
		"the end of time":         func(b *BlockState) { b.Until, b.Decay = math.MaxInt64, math.MaxInt64 },
		"before the beginning":    func(b *BlockState) { b.Since = math.MinInt64 },
		"a rule with a newline":   func(b *BlockState) { b.Reason.Rule = "a\nb" },
		"words that are too long": func(b *BlockState) { b.Note = string(make([]byte, 1000)) },
	} {
		b := keptBlock("192.0.2.1/32", 11*hour)
		change(&b)
		s, left := Restore(p, Kept{Saved: now, Blocks: []BlockState{b}}, now)
		if len(s.Blocks) != 0 || left != 1 {
			t.Errorf("%s: restored %+v", name, s.Blocks)
		}
	}
}

func TestRestoreBounds(t *testing.T) {
	p := mustParse(t, restorePolicy+"[limits]\nmax_blocks = 100\n")
	now := Moment{"a", 10 * hour, wallAt(0)}
	k := Kept{Saved: now, Attacks: math.MaxUint64}
	for i := range 150 {
		b := keptBlock("10.0.0.0/32", 11*hour+Instant(i)*minute)
		b.Source = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(150 - i)}), 32)
		k.Blocks = append(k.Blocks, b)
	}
	k.Blocks[149].Until, k.Blocks[149].Decay = Instant(maxKept), Instant(maxKept)
	k.Blocks = append(k.Blocks, k.Blocks[149]) // twice
	k.Blocks[150].Until = 12 * hour
	s, left := Restore(p, k, now)
	if len(s.Blocks) != 100 || left != 51 || s.Attacks != 0 {
		t.Fatalf("%d blocks, %d left out, after attack %d", len(s.Blocks), left, s.Attacks)
	}
	if b := s.Blocks[0]; b.Source != netip.MustParsePrefix("10.0.0.1/32") || b.Until != now.At+Instant(longestOff) {
		t.Errorf("the first is %+v", b)
	}
	for i := 1; i < len(s.Blocks); i++ {
		if ComparePrefix(s.Blocks[i-1].Source, s.Blocks[i].Source) >= 0 {
			t.Fatalf("%v comes before %v", s.Blocks[i-1].Source, s.Blocks[i].Source)
		}
	}
}

func TestRestoreOrders(t *testing.T) {
	p := mustParse(t, restorePolicy)
	saved, now := Moment{"a", 10 * hour, wallAt(0)}, Moment{"b", minute, wallAt(time.Hour)}
	office := netip.MustParsePrefix("192.0.2.0/24")
	k := Kept{Saved: saved,
		Exempt: []Exemption{
			{Prefix: office, Service: "web", Since: 9 * hour, Until: 12 * hour, Reason: "office"},
			{Prefix: office, Until: 10*hour + 30*minute}, // over by now
			{Prefix: office, Service: "ssh"},             // for as long as the daemon ran
			{Prefix: netip.MustParsePrefix("192.0.2.1/24"), Until: 20 * hour},
		},
		Modes: []HandMode{{Service: "web", Mode: Shadow, Until: 12 * hour}, {Service: "web", Mode: Shadow}, {Service: "ssh", Mode: 7, Until: 12 * hour},
			{Service: "web", Mode: Enforce}},
		Blocks: []BlockState{keptBlock("192.0.2.9/32", 14*hour)},
	}
	s, left := Restore(p, k, now)
	if want := []Exemption{{Prefix: office, Service: "web", Since: minute - 2*hour, Until: minute + hour, Reason: "office"}}; !reflect.DeepEqual(s.Exempt, want) {
		t.Errorf("exempt %+v, want %+v", s.Exempt, want)
	}
	if len(s.Modes) != 2 || s.Modes[0].Until != 0 || s.Modes[0].Mode != Shadow || s.Modes[1].Until != minute+hour || left != 5 {
		t.Errorf("modes %+v, %d left out", s.Modes, left)
	}
	// Exempt comes first, whatever was kept (P4).
	if _, d := Step(p, s, Observation{At: now.At, Wall: now.Wall}); len(d.Blocks) != 0 || len(d.Exempt) != 1 {
		t.Errorf("blocks %+v", d.Blocks)
	}
}

// What the policy does not have or allow any more ends by Step's own rules.
func TestRestoreUnderAnotherPolicy(t *testing.T) {
	now := Moment{"a", 10 * hour, wallAt(0)}
	k := Kept{Saved: now, Blocks: []BlockState{keptBlock("192.0.2.9/32", 11*hour)}}
	for name, text := range map[string]string{
		"the service left":      "mode = \"enforce\"\n[[service]]\nname = \"other\"\nports = [81]\n",
		"it allows more":        "mode = \"enforce\"\n" + web + "connections.per_source = 501\n",
		"it is exempt":          "mode = \"enforce\"\nexempt.prefixes = [\"192.0.2.0/24\"]\n" + web + "connections.per_source = 100\n",
		"nobody is blocked now": "mode = \"enforce\"\n" + web + "connections.per_source = 100\nresponse.block_after = \"0s\"\n",
	} {
		p := mustParse(t, text)
		s, _ := Restore(p, k, now)
		next, d := Step(p, s, Observation{At: now.At, Wall: now.Wall})
		if len(d.Blocks) != 0 || len(next.Blocks) != 0 || len(d.Events) != 1 || d.Events[0].Kind != SourceFreed {
			t.Errorf("%s: blocks %+v, events %+v", name, d.Blocks, d.Events)
		}
	}
}

// What was kept tells more than the kernel, which knows better only how long the newest lasts.
func TestRestoredAndInherited(t *testing.T) {
	p := mustParse(t, restorePolicy)
	now := Moment{"a", 10 * hour, wallAt(0)}
	k := Kept{Saved: now, Blocks: []BlockState{keptBlock("192.0.2.1/32", 11*hour), keptBlock("192.0.2.2/32", 9*hour), keptBlock("192.0.2.3/32", 11*hour)}}
	s, _ := Restore(p, k, now)
	o := Observation{At: now.At, Wall: now.Wall}
	for source, until := range map[string]Instant{"192.0.2.1/32": 11*hour + Instant(2*time.Second), "192.0.2.2/32": 12 * hour, "192.0.2.4/32": 11 * hour} {
		o.Inherited = append(o.Inherited, Inherited{Service: "web", Source: netip.MustParsePrefix(source), Until: until})
	}
	next, d := Step(p, s, o)
	if len(d.Blocks) != 4 {
		t.Fatalf("blocks %+v", d.Blocks)
	}
	for i, want := range []struct {
		strikes int
		until   Instant
		rule    string
	}{{2, 11 * hour, rulePerSource}, {3, 12 * hour, rulePerSource}, {2, 11 * hour, rulePerSource}, {1, 11 * hour, RuleInherited}} {
		if b := next.Blocks[i]; b.Strikes != want.strikes || b.Until != want.until || b.Reason.Rule != want.rule || b.Decay < b.Until {
			t.Errorf("%v: %+v, want %+v", b.Source, b, want)
		}
	}
}

// A source that was blocked before a restart is blocked one step longer when it offends again.
func TestStrikesGoOn(t *testing.T) {
	p := mustParse(t, restorePolicy+"response.block_after = \"1s\"\n")
	now := Moment{"b", minute, wallAt(time.Hour)}
	s, _ := Restore(p, Kept{Saved: Moment{"a", 10 * hour, wallAt(0)}, Seed: 9, Blocks: []BlockState{keptBlock("192.0.2.1/32", 10*hour+minute)}}, now)
	source := netip.MustParsePrefix("192.0.2.1/32")
	for turn := range 10 {
		at := now.At + Instant(turn)*Instant(time.Second)
		var d Decision
		s, d = Step(p, s, Observation{At: at, Wall: now.Wall, Census: Census{Taken: true, Complete: true, From: at,
			Services: []ServiceCensus{{Service: "web", Held: 200, Sources: []SourceCensus{{Source: source, Held: 200}}}}}})
		if len(d.Blocks) == 1 {
			if b := d.Blocks[0]; b.Strikes != 3 || b.Until.Sub(b.Since) < 20*time.Hour {
				t.Errorf("blocked as %+v, want the third step, 24 h", b)
			}
			return
		}
	}
	t.Error("it is not blocked again")
}
