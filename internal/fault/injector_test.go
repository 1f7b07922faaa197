package fault

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestOneCallFails: each rule makes its calls fail, no others, and none once it has ended.
func TestOneCallFails(t *testing.T) {
	p := start(t, false)
	orders := []string{"route", "tables", "diag", "conntrack", "join", "hear", "commit", "socket", "read /proc/self/stat",
		"write " + filepath.Join(t.TempDir(), "written")}
	well := func() {
		t.Helper()
		for _, order := range orders {
			if said := p.do(order); said != "ok" {
				t.Errorf("without a fault %q says %s", order, said)
			}
		}
	}
	well()
	for _, tt := range []struct {
		rule     Rule
		hit      string // the orders that go wrong, by their beginning
		complain string
	}{
		{Rule{Call: Send, Part: Route, Errno: unix.ENOBUFS}, "route", "send request: no buffer space available"},
		{Rule{Call: Send, Part: Diag, Errno: unix.EPERM}, "diag", "send request: operation not permitted"},
		{Rule{Call: Send, Part: Tables, Errno: unix.EAGAIN}, "tables", "resource temporarily unavailable"},
		{Rule{Call: Send, Part: Conntrack, Errno: unix.EPERM}, "conntrack", "operation not permitted"},
		{Rule{Call: Receive, Part: Route, Errno: unix.EPERM}, "route", "receive: operation not permitted"},
		{Rule{Call: Receive, Part: Diag, Errno: unix.EAGAIN}, "diag", "did not answer in time"},
		{Rule{Call: Receive, Part: Conntrack, Errno: unix.ENOBUFS, Most: 1}, "conntrack", "receive buffer overrun"},
		{Rule{Call: Receive, Part: Route, Spoil: Interrupt}, "route", "marked the dump as interrupted"},
		{Rule{Call: Receive, Part: Diag, Spoil: Interrupt}, "diag", "marked the dump as interrupted"},
		{Rule{Call: Receive, Part: Route, Spoil: Cut}, "route", "could not be decoded"},
		{Rule{Call: Send, Part: Route, Errno: unix.EINTR}, "route", "send request: interrupted system call"},
		{Rule{Call: Receive, Part: Route, Errno: unix.EINTR}, "route", "receive: interrupted system call"},
		{Rule{Call: Receive, Part: Diag, Errno: unix.ENOBUFS}, "diag", "receive buffer overrun"},
		{Rule{Call: Read, Path: "/stat", Errno: unix.EINTR, Most: 2}, "read", "ok"}, // the library tries again
		{Rule{Call: Receive, Part: Destroyed, Errno: unix.EPERM}, "hear", "operation not permitted"},
		{Rule{Call: Commit, Errno: unix.ENOMEM, Message: 2}, "commit", "message 2: cannot allocate memory"},
		{Rule{Call: Commit, Errno: unix.EBUSY, Message: 99}, "commit", "message 3: device or resource busy"},
		{Rule{Call: Socket, Part: Route, Errno: unix.EMFILE}, "socket", "too many open files"},
		{Rule{Call: Open, Path: "/proc/self/stat", Errno: unix.EACCES}, "read", "permission denied"},
		{Rule{Call: Read, Path: "/stat", Errno: unix.EIO}, "read", "input/output error"},
		{Rule{Call: Write, Path: "/written", Errno: unix.ENOSPC}, "write", "no space left on device"},
	} {
		f := p.Inject(tt.rule)
		for _, order := range orders {
			said := p.do(order)
			if wrong := strings.HasPrefix(order, tt.hit); wrong && !strings.Contains(said, tt.complain) || !wrong && said != "ok" {
				t.Errorf("with %+v %q says %s", tt.rule, order, said)
			}
		}
		if f.Hits() == 0 {
			t.Errorf("%+v hit nothing", tt.rule)
		}
		f.End()
		f.End()
		p.do(tt.hit + " /proc/self/stat") // reads what an answer that was given up has left
		well()
	}
}

// TestJoinFails: before it is a member, a socket that is about to listen is told from one that asks.
func TestJoinFails(t *testing.T) {
	p := start(t, false)
	f := p.Inject(Rule{Call: Join, Part: Destroyed, Errno: unix.EPERM})
	if said := p.do("join"); !strings.Contains(said, "join multicast group") || f.Hits() != 1 {
		t.Errorf("%d hits, join says %s", f.Hits(), said)
	}
	f.End()
	if said := p.do("join"); said != "ok" {
		t.Errorf("join says %s", said)
	}
}

// TestHowManyFail: one in so many, and at most so many.
func TestHowManyFail(t *testing.T) {
	p := start(t, false)
	for _, tt := range []struct {
		every, most int
		want        string
	}{{0, 0, "xxxxxx"}, {2, 0, ".x.x.x"}, {0, 2, "xx...."}, {3, 1, "..x..."}} {
		f := p.Inject(Rule{Call: Commit, Errno: unix.EBUSY, Every: tt.every, Most: tt.most})
		got := ""
		for range tt.want {
			if p.do("commit") == "ok" {
				got += "."
			} else {
				got += "x"
			}
		}
		if got != tt.want || f.Hits() != strings.Count(tt.want, "x") {
			t.Errorf("every %d, at most %d: %s and %d hits, want %s", tt.every, tt.most, got, f.Hits(), tt.want)
		}
		f.End()
	}
}

// TestClockIsStepped: both ways, and back.
func TestClockIsStepped(t *testing.T) {
	p := start(t, true)
	for _, ahead := range []time.Duration{0, 26 * time.Hour, -400 * 24 * time.Hour, 0} {
		p.StepClock(ahead)
		before := time.Now()
		said, err := strconv.ParseInt(p.do("time"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if off := time.Unix(said, 0).Sub(before.Add(ahead)); off < -2*time.Second || off > time.Since(before)+time.Second {
			t.Errorf("%v ahead, the probe has %v, %v off", ahead, time.Unix(said, 0), off)
		}
	}
}

// TestNoProgram: a launcher that finds no program says so, and nobody waits for it.
func TestNoProgram(t *testing.T) {
	cmd := exec.Command("/nowhere/at-all")
	cmd.Err = nil
	var said strings.Builder
	cmd.Stderr = &said
	i, err := Command(cmd, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Run(); err == nil || !strings.Contains(said.String(), "execute /nowhere/at-all: no such file") {
		t.Errorf("%v: %s", err, said.String())
	}
	if err := i.Close(); err != nil {
		t.Error(err)
	}
}

// TestMessagesOfNonsense: what is no netlink has no messages, and no transaction to refuse.
func TestMessagesOfNonsense(t *testing.T) {
	for _, b := range [][]byte{nil, make([]byte, 15), make([]byte, 64), []byte(fmt.Sprint(os.Args))} {
		if got := refusal(b, 0, unix.EPERM); got != nil {
			t.Errorf("%x is refused with %x", b, got)
		}
		if transaction(b) {
			t.Errorf("%x is taken for a transaction", b)
		}
	}
}
