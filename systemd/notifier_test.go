package systemd

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// manager stands in for the service manager.
type manager struct{ conn *net.UnixConn }

func startManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "ebb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return &manager{conn}
}

// next returns the next datagram.
func (m *manager) next(t *testing.T) string {
	t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8192)
	n, err := m.conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func newNotifier(t *testing.T) *Notifier {
	t.Helper()
	n, err := NewNotifier()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNotifications(t *testing.T) {
	m := startManager(t)
	n := newNotifier(t)
	for _, tt := range []struct {
		name string
		call func() error
		want string
	}{
		{"ready", n.Ready, "READY=1"},
		{"stopping", n.Stopping, "STOPPING=1"},
		{"status", func() error { return n.Status("peace: 3 services") }, "STATUS=peace: 3 services"},
		{"status that would set a variable", func() error { return n.Status("a\nWATCHDOG=trigger\x1b[2J") }, "STATUS=a WATCHDOG=trigger [2J"},
		{"empty status", func() error { return n.Status("") }, "STATUS="},
	} {
		if err := tt.call(); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := m.next(t); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestReloadingCarriesTheTime(t *testing.T) {
	m := startManager(t)
	if err := newNotifier(t).Reloading(); err != nil {
		t.Fatal(err)
	}
	got := m.next(t)
	usec, ok := strings.CutPrefix(got, "RELOADING=1\nMONOTONIC_USEC=")
	if n, err := strconv.ParseInt(strings.TrimSuffix(usec, "\n"), 10, 64); !ok || err != nil || n <= 0 {
		t.Errorf("got %q", got)
	}
}

func TestStatusIsSentWhenItChanges(t *testing.T) {
	m := startManager(t)
	n := newNotifier(t)
	for _, text := range []string{"one", "one", "one\n", "two", "two", "one"} {
		if err := n.Status(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.Ready(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"STATUS=one", "STATUS=two", "STATUS=one", "READY=1"} {
		if got := m.next(t); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestStatusNotDeliveredIsSentAgain(t *testing.T) {
	var sent []string
	fail := errors.New("refused")
	n := &Notifier{deliver: func(s string) error { sent = append(sent, s); return fail }}
	if err := n.Status("one"); !errors.Is(err, fail) {
		t.Errorf("got %v, want %v", err, fail)
	}
	fail = nil
	if err := n.Status("one"); err != nil || len(sent) != 2 {
		t.Errorf("got %v after %q", err, sent)
	}
}

func TestOneLine(t *testing.T) {
	wide := strings.Repeat("ü", maxStatus)
	for in, want := range map[string]string{
		"":             "",
		" plain ":      "plain",
		"a\x00b\x7fc":  "a b c",
		"c1\u009bend":  "c1 end",
		"bidi\u202ex":  "bidi x",
		"bad\xff":      "bad?",
		"büro":         "büro",
		wide:           strings.Repeat("ü", maxStatus/2),
		"x" + wide:     "x" + strings.Repeat("ü", maxStatus/2-1),
		"line\nbreak ": "line break",
	} {
		got := oneLine(in)
		if got != want || len(got) > maxStatus || !utf8.ValidString(got) {
			t.Errorf("oneLine(%.20q) = %.40q (%d bytes), want %.40q", in, got, len(got), want)
		}
	}
}

func TestWithoutSystemdNothingHappens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	n := newNotifier(t)
	status := func() error { return n.Status("x") }
	for i, call := range []func() error{n.Ready, n.Reloading, n.Stopping, status, n.Watchdog} {
		if err := call(); err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
}

func TestWatchdogInterval(t *testing.T) {
	other := strconv.Itoa(os.Getpid() + 1)
	for _, tt := range []struct {
		name, usec, pid string
		want            time.Duration
		ok              bool
	}{
		{"none", "", "", 0, true},
		{"for us", "10000000", strconv.Itoa(os.Getpid()), 10 * time.Second, true},
		{"for anybody", "10000000", "", 10 * time.Second, true},
		{"for another process", "10000000", other, 0, true},
		{"not a number", "soon", "", 0, false},
		{"negative", "-1", "", 0, false},
	} {
		t.Setenv("WATCHDOG_USEC", tt.usec)
		t.Setenv("WATCHDOG_PID", tt.pid)
		n, err := NewNotifier()
		if (err == nil) != tt.ok || tt.ok && n.WatchdogInterval() != tt.want {
			t.Errorf("%s: got %v, %v; want %v, ok %v", tt.name, n, err, tt.want, tt.ok)
		}
	}
}

// TestWatchdogPings turns a loop every second for a minute against an interval of 10 s.
func TestWatchdogPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []int
		fail := false
		n := &Notifier{interval: 10 * time.Second, now: time.Now}
		n.deliver = func(s string) error {
			if s != "WATCHDOG=1" {
				t.Errorf("sent %q", s)
			}
			at = append(at, int(time.Since(start)/time.Second))
			if fail {
				return errors.New("refused")
			}
			return nil
		}
		for range 12 {
			if err := n.Watchdog(); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
		}
		fail = true // every turn tries again
		for range 5 {
			if err := n.Watchdog(); (err == nil) != (time.Since(start) < 15*time.Second) {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
			time.Sleep(time.Second)
		}
		want := []int{0, 5, 10, 15, 16}
		if len(at) != len(want) {
			t.Fatalf("pinged at %v, want %v", at, want)
		}
		for i := range want {
			if at[i] != want[i] {
				t.Fatalf("pinged at %v, want %v", at, want)
			}
		}
	})
}
