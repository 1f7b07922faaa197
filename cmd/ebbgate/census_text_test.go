package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestLengthText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 900 * time.Millisecond: "0s", 59 * time.Second: "59s", time.Minute: "1m", 63 * time.Second: "1m03s", time.Hour: "1h",
		2*time.Hour + 10*time.Minute + 59*time.Second: "2h10m", 24 * time.Hour: "1d", 75 * time.Hour: "3d03h", 24*time.Hour + 59*time.Minute: "1d",
	} {
		if got := lengthText(d); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for width, want := range map[int]string{-1: "", 0: "", 1: "…", 4: "grö…", 5: "größe", 9: "größe"} {
		if got := shorten("größe", width); got != want {
			t.Errorf("%d: got %q, want %q", width, got, want)
		}
	}
}

// grids are tables of addresses of three lengths.
func grids(local, peer, who string) *grid {
	g := &grid{head: []string{">IDLE", "LOCAL", "PEER", "PROCESS"}}
	g.add("1m03s", local, peer, who)
	g.add("9s", ":1", "p", "short")
	g.add("10s", "", "", "")
	return g
}

func TestGridFitsItsWidth(t *testing.T) {
	long := "[fd77:1234:5678:9abc:def0:4321:8765:cba2]:40597"
	tests := []struct {
		name             string
		width            int
		local, peer, who string
		own              bool // the last column has lines of its own
	}{
		{"short", 100, "10.0.0.1:80", "10.0.0.2:4000", "nginx[7]", false},
		{"a long process", 60, "10.0.0.1:80", "10.0.0.2:4000", strings.Repeat("process ", 20), false},
		{"long addresses", 100, "10.0.0.1:80", long + long, "nginx[7] nginx.service of something", true},
		{"a narrow terminal", 40, "10.0.0.1:80", "10.0.0.2:4000", strings.Repeat("process ", 20), true},
	}
	for _, tt := range tests {
		g := grids(tt.local, tt.peer, tt.who)
		var b bytes.Buffer
		g.write(&printer{w: &b, width: tt.width})
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		for _, line := range lines {
			if utf8.RuneCountInString(line) > tt.width && g.fits(tt.width) || strings.HasSuffix(line, " ") {
				t.Errorf("%s: %q in %d columns", tt.name, line, tt.width)
			}
		}
		if own := len(lines) == 6; own != tt.own {
			t.Errorf("%s: %d lines:\n%s", tt.name, len(lines), b.String())
		}
		if !strings.HasPrefix(lines[0], " IDLE  LOCAL") || !strings.HasPrefix(lines[1], "1m03s  ") {
			t.Errorf("%s: columns are not aligned:\n%s", tt.name, b.String())
		}
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestPrinterKeepsTheFirstError(t *testing.T) {
	broken := errors.New("no space")
	p := printer{w: brokenWriter{broken}, width: 80}
	p.line("a")
	p.text("b c d")
	if !errors.Is(p.err, broken) {
		t.Errorf("got %v", p.err)
	}
	if err := showCensus(brokenWriter{broken}, &counted{}); !errors.Is(err, broken) {
		t.Errorf("census: %v", err)
	}
}

func TestTextBreaksLines(t *testing.T) {
	var b bytes.Buffer
	p := printer{w: &b, width: 10}
	p.text("one two three %s", "fourteenletters five")
	if got, want := b.String(), "one two\nthree\nfourteenletters\nfive\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHolderWords(t *testing.T) {
	files, limit := 812, uint64(1024)
	nginx := countedProcess{PID: 7, Name: "nginx", Unit: "nginx.service", Files: &files, FileLimit: &limit}
	postgres := countedProcess{PID: 8, Name: "postgres", Unit: "postgresql@15-main.service", Files: &files}
	tests := []struct {
		list []countedProcess
		want string
	}{
		{nil, "? (uid 33)"}, {[]countedProcess{nginx}, "nginx[7]"}, {[]countedProcess{nginx, nginx, nginx}, "nginx[7] and 2 more"},
		{[]countedProcess{postgres}, "postgres[8] postgresql@15-main.service"},
	}
	for _, tt := range tests {
		if got := holders(tt.list, 33); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	for want, p := range map[string]*countedProcess{", 812 of 1024 files": &nginx, ", 812 files": &postgres, "": {}} {
		if got := fileWords(p, ", ", " files"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestConnectionWords(t *testing.T) {
	tests := []struct {
		c         countedConnection
		keepalive string
		who       string
	}{
		{countedConnection{Keepalive: "on", Accepted: true, Inode: 5}, "on", "? (uid 0)"},
		{countedConnection{Keepalive: "on", Unheard: 3, Accepted: true, Inode: 5, Processes: []countedProcess{{PID: 7, Name: "a"}}}, "on, 3 lost", "a[7]"},
		{countedConnection{Keepalive: "off"}, "off", "(not accepted)"},
		{countedConnection{Keepalive: "unknown", Waits: "retransmit", Unheard: 4, Accepted: true}, "? resent 4", "(closed by its process)"},
		{countedConnection{Keepalive: "unknown", Waits: "zero-window", Accepted: true, Inode: 5, UID: 33}, "? peer full", "? (uid 33)"},
		{countedConnection{Keepalive: "unknown", Accepted: true, Inode: 5}, "?", "? (uid 0)"},
	}
	for _, tt := range tests {
		if got := tt.c.keepaliveWords(); got != tt.keepalive {
			t.Errorf("%+v: keepalive %q, want %q", tt.c, got, tt.keepalive)
		}
		if got := tt.c.who(); got != tt.who {
			t.Errorf("%+v: held by %q, want %q", tt.c, got, tt.who)
		}
	}
}

func TestLeakWords(t *testing.T) {
	nginx := &countedProcess{PID: 7, Name: "nginx", Unit: "nginx.service"}
	tests := []struct {
		leak     countedLeak
		who, why string
	}{
		{countedLeak{Process: nginx, Processes: 1, Sockets: 9, Unread: 3}, "nginx[7]", "read to the end, never closed"},
		{countedLeak{Process: nginx, Processes: 4, Sockets: 9, Unread: 5}, "nginx (4 processes)", "never read to the end"},
		{countedLeak{UID: 33, Sockets: 9, Unread: 1, NotAccepted: 8}, "? (uid 33)", "never accepted"},
	}
	for _, tt := range tests {
		if who, why := tt.leak.who(), tt.leak.why(); who != tt.who || why != tt.why {
			t.Errorf("%+v: got %q, %q", tt.leak, who, why)
		}
	}
}

// Lists keep to 100 columns even where every address is as long as they get.
func TestListsFitWithLongAddresses(t *testing.T) {
	a := netip.MustParseAddrPort("[fd77:1234:5678:9abc:def0:4321:8765:cba2]:40597")
	c := countedConnection{State: "ESTABLISHED", Local: a, Remote: a, Receive: 1 << 31, Send: 1 << 31, Keepalive: "on", Accepted: true, Inode: 1,
		Processes: []countedProcess{{PID: 4194304, Name: "fifteen-letters", Unit: strings.Repeat("long", 20) + ".service"}}}
	all := counted{Complete: true, Queues: &countedQueues{Total: 1, Connections: []countedConnection{c}},
		Idle: &countedIdle{Established: 1, Total: 1, Connections: []countedConnection{c}}}
	var b bytes.Buffer
	p := printer{w: &b, width: 100}
	all.write(&p)
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(b.String(), "  :40597  "+a.String()) {
		t.Errorf("the peer is not there in full, or the local port not alone:\n%s", b.String())
	}
}

func TestPicture(t *testing.T) {
	text := "a\nb\nc\n"
	if got, want := picture(text, 10, true), "\x1b[H\x1b[Ja\x1b[K\nb\x1b[K\nc\x1b[K\n\x1b[J"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for height, lines := range map[int]int{0: 3, 4: 3, 3: 2, 2: 1} {
		got := picture(text, height, false)
		if n := strings.Count(got, "\n"); n != lines || strings.Contains(got, lastOfHeight) != (lines < 3) {
			t.Errorf("height %d: %q", height, got)
		}
	}
}

func TestHiddenProcessesAreMentionedWhereOneIsMissing(t *testing.T) {
	for missing, c := range map[bool]counted{
		true:  {Idle: &countedIdle{Connections: []countedConnection{{Accepted: true, Inode: 5}}}},
		false: {Idle: &countedIdle{Connections: []countedConnection{{Inode: 0}, {Inode: 5, Processes: []countedProcess{{PID: 1}}}}}},
	} {
		c.Hidden, c.Complete = 3, true
		var b bytes.Buffer
		c.write(&printer{w: &b, width: 100})
		if got := strings.Contains(b.String(), "3 processes could not be looked into"); got != missing {
			t.Errorf("mentioned: %v, want %v:\n%s", got, missing, b.String())
		}
	}
	if hiddenAdvice(true) == hiddenAdvice(false) {
		t.Error("root is told to be root")
	}
}

func TestCensusSaysWhatIsMissing(t *testing.T) {
	var b bytes.Buffer
	c := counted{Notes: []string{"something is left out"}}
	c.write(&printer{w: &b, width: 100})
	for _, want := range []string{"something is left out", "not complete: it shows lower bounds"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing from %s", want, fmt.Sprint(b.String()))
		}
	}
}
