package control

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"ebbgate/policy"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"web 80-443":           "web 80-443",
		"büro 東京":              "büro 東京",
		`back\slash`:           `back\slash`,
		"\x1b[31mred":          `\x1b[31mred`,
		"one\ntwo\rthree\tend": `one\x0atwo\x0dthree\x09end`,
		"\u009b2J":             `\x9b2J`,
		"a\u202eb\u2066c":      `a\u202eb\u2066c`,
		"zero\u200bwidth":      `zero\u200bwidth`,
		"pile\u0301":           `pile\u0301`,
		"tag\U000e0041":        `tag\U000e0041`,
		"bad\xffutf8\xc3":      `bad\xffutf8\xc3`,
		"real \ufffd":          "real \ufffd",
		"\u2028line":           `\u2028line`,
		"no\u00a0break\u00ad":  `no\xa0break\xad`,
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestColumns(t *testing.T) {
	for in, want := range map[string]int{"": 0, "abc": 3, "büro": 4, "東京": 4, "한글": 4, "😀": 2, "ﾊ": 2} {
		if got := columns(in); got != want {
			t.Errorf("columns(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestPutWraps(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
	}{
		{"fits", "0123456789", "0123456789\n"},
		{"at a space", "01234 56789ab", "01234\n  56789ab\n"},
		{"at the last space that fits", "a b c d e f g", "a b c d e\n  f g\n"},
		{"no space", "0123456789abcdefghij", "0123456789\n  abcdefgh\n  ij\n"},
		{"indentation is not a place to break", "    0123456789", "    012345\n  6789\n"},
		{"inner spaces stay", "a   b", "a   b\n"},
		{"spaces at the end go", "abc       d", "abc\n  d\n"},
		{"wide", "東京東京東京", "東京東京東\n  京\n"},
		{"nothing", "", "\n"},
	} {
		p := &page{width: 10}
		p.put(plain, 2, tt.in)
		if got := p.b.String(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTableAlignsByColumns(t *testing.T) {
	p := &page{width: 80}
	p.table(4, [][]string{{"A", "N", "M", "WHY"}, {"東", "1,000", "2", "x"}, {"abc", "3", "10", "y"}}, 1, 2)
	want := "    A        N   M  WHY\n    東   1,000   2  x\n    abc      3  10  y\n"
	if got := p.b.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestNumber(t *testing.T) {
	for in, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1: "-1", -100: "-100", -1000: "-1,000"} {
		if got := Number(in); got != want {
			t.Errorf("number(%d) = %q, want %q", in, got, want)
		}
	}
	if got := Number(^uint64(0)); got != "18,446,744,073,709,551,615" {
		t.Errorf("largest counter: %q", got)
	}
}

func TestLength(t *testing.T) {
	for in, want := range map[time.Duration]string{
		-time.Second:                      "0s",
		0:                                 "0s",
		414 * time.Millisecond:            "0.41s",
		9999 * time.Millisecond:           "9.99s",
		12900 * time.Millisecond:          "12s",
		3*time.Minute + 2*time.Second:     "3m02s",
		2*time.Hour + 5*time.Minute:       "2h05m",
		98*time.Hour + 59*time.Minute:     "4d02h",
		time.Hour - time.Nanosecond:       "59m59s",
		24*time.Hour*400 + 30*time.Second: "400d00h",
	} {
		if got := Length(in); got != want {
			t.Errorf("length(%v) = %q, want %q", in, got, want)
		}
	}
}

func TestClockNamesAnotherDay(t *testing.T) {
	now := night(3, 0, 0, 0)
	for in, want := range map[Time]string{
		night(2, 59, 59, 0):               "02:59:59",
		TimeOf(now.Add(-5 * time.Hour)):   "22:00:00",
		TimeOf(now.Add(-100 * time.Hour)): "2026-03-09 23:00",
		{}:                                "?",
	} {
		if got := Clock(now, in); got != want {
			t.Errorf("clock(%v) = %q, want %q", in, got, want)
		}
	}
}

func TestPerSecond(t *testing.T) {
	for in, want := range map[Rate]string{0: "0/s", 0.25: "0.2/s", 9.5: "9.5/s", 1234.6: "1,234/s", -1: "0/s", 1e300: "1,000,000,000,000,000/s"} {
		if got := PerSecond(in); got != want {
			t.Errorf("perSecond(%v) = %q, want %q", in, got, want)
		}
	}
}

func TestSourceText(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1/32": "192.0.2.1", "192.0.2.0/24": "192.0.2.0/24", "2001:db8::/64": "2001:db8::/64", "2001:db8::1/128": "2001:db8::1",
	} {
		if got := SourceText(netip.MustParsePrefix(in)); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
	if got := SourceText(netip.Prefix{}); strings.ContainsAny(got, "/ ") || got == "" {
		t.Errorf("no prefix: %q", got)
	}
}

// TestWording: what other packages say in the same words as this one.
func TestWording(t *testing.T) {
	s := attack()
	web := &s.Services[0]
	what, done, from := AttackWords(s, web, &web.Attacks[0])
	for _, tt := range []struct{ got, want string }{
		{Number(1204), "1,204"}, {Counted(uint64(1), "source", "sources"), "1 source"}, {PerSecond(2.5), "2.5/s"}, {Length(192 * time.Second), "3m12s"},
		{Clock(night(3, 2, 10, 0), night(2, 59, 0, 0)), "02:59:00"}, {SourceText(netip.MustParsePrefix("203.0.113.7/32")), "203.0.113.7"},
		{what, "somebody holds more connections than he may (312 connections held, connections.per_source allows 100)"},
		{SoFar(web), "has refused 18,211 packets, turned away 4,001 packets of blocked sources, dropped 77 SYNs, closed 1 connection, blocked 3 sources so far"},
		{SoFar(&Service{Mode: policy.Enforce, ClosedConnections: 2, CountedSince: night(2, 59, 0, 0)}), "has closed 2 connections since 2026-03-14 02:59:00"},
		{SoFar(&Service{ClosedConnections: 2, CountedSince: night(2, 59, 0, 0)}), "would have closed 2 connections since 2026-03-14 02:59:00 (shadow mode only watches)"},
		{LimitWords(web), "limits a source: 100 held, 50/s new, 200/s SYNs"},
		{OffenderWords(kinds().Services[0].Offender), "exempt 192.0.2.50 holds 1,300, others may hold 100: nothing is done about it"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
	if !strings.HasPrefix(done, "ebbgate is refusing new connections of 838 sources") || !strings.HasPrefix(from, "198.51.100.0/24 held 1,140 (12 sources)") {
		t.Errorf("done %q, from %q", done, from)
	}
	bad := nasty()
	what, done, from = AttackWords(bad, &bad.Services[0], &bad.Services[0].Attacks[0])
	for _, text := range []string{what, done, from} {
		if Escape(text) != text {
			t.Errorf("not escaped: %q", text)
		}
	}
}
