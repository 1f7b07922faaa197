package survey

import (
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/inetdiag"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// begin opens a survey of the test's namespace.
func begin(t *testing.T, sel Selection, p *policy.Policy) *Survey {
	t.Helper()
	s, err := Open(t.Context(), sel, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// accepted makes a connection that the server has accepted.
func accepted(t *testing.T, l *nstest.Sock, from, to string) (client, server *nstest.Sock) {
	t.Helper()
	client = nstest.Dial(t, from, to)
	return client, l.Accept()
}

// mixture makes sockets in many states on ports 80 and 8080.
func mixture(t *testing.T) {
	t.Helper()
	nstest.Enter(t)
	nstest.AnyIP(t, "10.66.0.0/16", "fd66::/48")
	four := nstest.Listen(t, "0.0.0.0:80", 16)
	six := nstest.Listen(t, "[::]:8080", 16)
	nstest.Listen(t, "0.0.0.0:90", 16, nstest.DeferAccept)
	for i := range 5 {
		accepted(t, four, fmt.Sprintf("10.66.%d.%d:0", i%2, i+1), "10.66.9.9:80")
		accepted(t, six, fmt.Sprintf("[fd66::%d]:0", i+1), "[fd66::9:9]:8080")
	}
	accepted(t, six, "10.66.0.7:0", "10.66.9.9:8080")                 // mapped
	left, _ := accepted(t, four, "10.66.0.8:0", "10.66.9.9:80")       // the server keeps CLOSE_WAIT
	first, second := accepted(t, four, "10.66.0.9:0", "10.66.9.9:80") // ends in TIME_WAIT
	nstest.Dial(t, "10.66.0.10:0", "10.66.9.9:80").CloseWrite()       // not accepted: in the queue
	nstest.Dial(t, "10.66.0.11:0", "10.66.9.9:90")                    // half-open on the server's side
	left.CloseWrite()
	first.Close()
	second.Close()
	nstest.Await(t, "the sockets to reach their states", func() bool {
		s := ssStates(t)
		return s["TIME-WAIT"] == 1 && s["CLOSE-WAIT"] == 2 && s["FIN-WAIT-2"] == 2 && s["SYN-RECV"] == 1
	})
}

func TestOverviewAgreesWithSS(t *testing.T) {
	mixture(t)
	tests := []struct {
		name   string
		sel    Selection
		filter []string
	}{
		{"everything", Selection{}, nil},
		{"a port", Selection{Ports: []policy.PortRange{{First: 80, Last: 80}}}, []string{"sport = :80"}},
		{"states", Selection{States: inetdiag.StatesOf(inetdiag.CloseWait, inetdiag.Established)}, []string{"state", "established", "state", "close-wait"}},
		{"sources", Selection{Sources: []netip.Prefix{netip.MustParsePrefix("10.66.1.0/24")}}, []string{"dst", "10.66.1.0/24"}},
		{"IPv6 sources", Selection{Sources: []netip.Prefix{netip.MustParsePrefix("fd66::/64")}}, []string{"dst", "fd66::/64"}},
	}
	for _, tt := range tests {
		s := begin(t, tt.sel, nil)
		o, err := s.Overview(t.Context(), Counting{Group: Group{32, 64}, Top: 10})
		if err != nil || !s.Complete() {
			t.Fatalf("%s: %v, complete %v", tt.name, err, s.Complete())
		}
		want := ssStates(t, tt.filter...)
		if len(want) == 0 {
			t.Fatalf("%s: ss shows nothing", tt.name)
		}
		for _, c := range o.States {
			if name := ssNames[c.State]; want[name] != c.Sockets {
				t.Errorf("%s: %d sockets in %s, ss counts %d", tt.name, c.Sockets, c.State, want[name])
			} else {
				delete(want, name)
			}
		}
		if len(want) > 0 {
			t.Errorf("%s: ss counts what the survey does not: %v", tt.name, want)
		}
	}
}

func TestOverviewByServiceAndSource(t *testing.T) {
	mixture(t)
	count := func(sel Selection, p *policy.Policy, g Group) map[string]string {
		t.Helper()
		o, err := begin(t, sel, p).Overview(t.Context(), Counting{Group: g, Top: 2})
		if err != nil {
			t.Fatal(err)
		}
		out := make(map[string]string)
		for _, s := range o.Services {
			text := fmt.Sprintf("%d: %d held, %d half-open, %d sources", s.Sockets, s.Held, s.HalfOpen, s.Sources)
			for _, src := range s.Top {
				text += fmt.Sprintf(", %s %d", src.Source, src.Sockets)
			}
			out[s.Service.Name] = text
		}
		return out
	}
	web := &policy.Policy{Services: []policy.Service{{Name: "web", Ports: []policy.PortRange{{First: 80, Last: 90}}}}}
	tests := []struct {
		name string
		sel  Selection
		p    *policy.Policy
		g    Group
		want map[string]string
	}{
		{"ports", Selection{}, nil, Group{32, 64}, map[string]string{
			"port 80":   "7: 7 held, 0 half-open, 7 sources, 10.66.0.1/32 1, 10.66.0.3/32 1",
			"port 8080": "6: 6 held, 0 half-open, 2 sources, fd66::/64 5, 10.66.0.7/32 1",
			"port 90":   "1: 0 held, 1 half-open, 1 sources, 10.66.0.11/32 1",
		}},
		{"networks", Selection{}, nil, Group{24, 48}, map[string]string{
			"port 80":   "7: 7 held, 0 half-open, 2 sources, 10.66.0.0/24 5, 10.66.1.0/24 2",
			"port 8080": "6: 6 held, 0 half-open, 2 sources, fd66::/48 5, 10.66.0.0/24 1",
			"port 90":   "1: 0 held, 1 half-open, 1 sources, 10.66.0.0/24 1",
		}},
		{"a policy", Selection{}, web, Group{16, 64}, map[string]string{"web": "8: 7 held, 1 half-open, 1 sources, 10.66.0.0/16 8"}},
		{"states", Selection{States: inetdiag.StatesOf(inetdiag.CloseWait, inetdiag.SynRecv)}, web, Group{16, 64},
			map[string]string{"web": "3: 0 held, 0 half-open, 1 sources, 10.66.0.0/16 3"}},
		{"sources", Selection{Sources: []netip.Prefix{netip.MustParsePrefix("10.66.1.0/24")}}, web, Group{32, 64},
			map[string]string{"web": "2: 2 held, 0 half-open, 2 sources, 10.66.1.2/32 1, 10.66.1.4/32 1"}},
		{"no such port", Selection{Ports: []policy.PortRange{{First: 443, Last: 443}}}, web, Group{32, 64}, map[string]string{}},
	}
	for _, tt := range tests {
		if got := count(tt.sel, tt.p, tt.g); fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s:\n got %v\nwant %v", tt.name, got, tt.want)
		}
	}
}

func TestQueuesAgreeWithSS(t *testing.T) {
	nstest.Enter(t)
	nstest.AnyIP(t, "10.66.0.0/16")
	l := nstest.Listen(t, "0.0.0.0:80", 16)
	nstest.Listen(t, "0.0.0.0:90", 4)
	for i := range 8 {
		client, server := accepted(t, l, fmt.Sprintf("10.66.0.%d:0", i+1), "10.66.9.9:80")
		client.Write(make([]byte, 1000*i))
		if i == 7 {
			server.Write(make([]byte, 500))
			client.CloseWrite()
		}
	}
	for i := range 3 {
		nstest.Dial(t, fmt.Sprintf("10.66.1.%d:0", i+1), "10.66.9.9:90")
	}
	nstest.Await(t, "all bytes to be in the receive queue", func() bool {
		sum := 0
		for _, s := range ss(t, "sport = :80") {
			sum += s.recvQ
		}
		return sum == 28001 && ssStates(t)["CLOSE-WAIT"] == 1
	})
	s := begin(t, Selection{Ports: []policy.PortRange{{First: 80, Last: 90}}}, nil)
	q, err := s.Queues(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	if q.Total != 7 || q.Receive != 28001 || q.Send != 0 || len(q.Connections) != 5 {
		t.Errorf("%d connections, %d and %d bytes, %d listed", q.Total, q.Receive, q.Send, len(q.Connections))
	}
	all := ss(t, "sport = :80")
	for i, c := range q.Connections {
		want := find(t, all, &c)
		if int(c.Receive) != want.recvQ || int(c.Send) != want.sendQ || ssNames[c.State] != want.state || !c.Inbound {
			t.Errorf("got %+v, ss says %+v", c, want)
		}
		if wanted := uint32(7000 - 1000*i); c.Receive/1000*1000 != wanted {
			t.Errorf("place %d: %d bytes, want %d", i, c.Receive, wanted)
		}
	}
	if len(q.Listeners) != 1 || q.Listeners[0].Queue != 3 || q.Listeners[0].Backlog != 4 || q.Listeners[0].Local.Port() != 90 {
		t.Errorf("listeners %+v", q.Listeners)
	}
}

// dialKeepalive connects with SO_KEEPALIVE.
func dialKeepalive(t *testing.T, to netip.AddrPort) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
}

func TestIdleAgreesWithSS(t *testing.T) {
	nstest.Enter(t)
	l := nstest.Listen(t, "127.0.0.1:80", 16)
	for range 3 {
		accepted(t, l, "127.0.0.1:0", "127.0.0.1:80")
	}
	dialKeepalive(t, netip.MustParseAddrPort("127.0.0.1:80"))
	l.Accept()
	s := begin(t, Selection{}, nil)
	const age = 50 * time.Millisecond
	var idle *Idle
	nstest.Await(t, "all to be idle", func() bool {
		var err error
		if idle, err = s.Idle(t.Context(), age, 100); err != nil {
			t.Fatal(err)
		}
		return idle.Total == 8
	})
	if idle.Established != 8 || idle.NoKeepalive != 7 || len(idle.Connections) != 8 {
		t.Errorf("%d of %d idle, %d without keepalive, %d listed", idle.Total, idle.Established, idle.NoKeepalive, len(idle.Connections))
	}
	inbound := 0
	for i, c := range idle.Connections {
		want := find(t, ss(t, fmt.Sprintf("sport = :%d", c.Local.Port())), &c)
		if (c.Keepalive == KeepaliveOn) != want.keepalive || c.Idle < age || c.Idle > want.idle {
			t.Errorf("got %+v, ss said later %+v", c, want)
		}
		if i > 0 && c.Idle > idle.Connections[i-1].Idle {
			t.Errorf("place %d was idle for longer than the one before it", i)
		}
		if c.Inbound {
			inbound++
		}
	}
	if inbound != 4 {
		t.Errorf("%d connections came in, want 4", inbound)
	}
	if none, err := s.Idle(t.Context(), time.Hour, 100); err != nil || none.Total != 0 || none.Established != 8 {
		t.Errorf("for an hour: %+v, %v", none, err)
	}
}

// A connection that was idle before its peer closed it is not leaked the moment it is in
// CLOSE_WAIT, and one that still answers is not leaked at all.
func TestCloseWaitCountsFromTheEnd(t *testing.T) {
	nstest.Enter(t)
	l := nstest.Listen(t, "127.0.0.1:80", 16)
	client, server := accepted(t, l, "127.0.0.1:0", "127.0.0.1:80")
	client.Write([]byte("hello"))
	queued := nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80")
	const quiet = 300 * time.Millisecond
	s := begin(t, Selection{}, nil)
	ports := Selection{Ports: []policy.PortRange{{First: 80, Last: 80}}}
	nstest.Await(t, "the connection to be idle", func() bool {
		i, err := begin(t, ports, nil).Idle(t.Context(), quiet, 10)
		return err == nil && i.Total == 2
	})
	client.CloseWrite()
	queued.CloseWrite()
	nstest.Await(t, "both in CLOSE_WAIT", func() bool { return ssStates(t)["CLOSE-WAIT"] == 2 })
	var last []inetdiag.Info
	if err := s.walk(t.Context(), 1<<inetdiag.CloseWait, true, func(k *inetdiag.Socket) { last = append(last, k.Info) }); err != nil {
		t.Fatal(err)
	}
	for _, i := range last {
		if before := i.LastDataRecv - i.LastAckRecv; before < quiet-50*time.Millisecond {
			t.Errorf("data came %s before the end, want %s: %+v", before, quiet, i)
		}
	}
	var leaks *Leaks
	nstest.Await(t, "both to have leaked", func() bool {
		var err error
		if leaks, err = s.CloseWait(t.Context(), 20*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		return leaks.Leaked == 2
	})
	if hidden, err := LookUp(t.Context(), leaks); err != nil {
		t.Fatalf("%d hidden, %v", hidden, err)
	}
	if leaks.CloseWait != 2 || len(leaks.Groups) != 1 {
		t.Fatalf("got %+v", leaks)
	}
	g := leaks.Groups[0]
	if g.Process.PID != os.Getpid() || g.Sockets != 2 || g.Unread != 1 || g.NotAccepted != 1 || g.Port != 80 || !g.Inbound || g.Oldest < 20*time.Millisecond {
		t.Errorf("got %+v", g)
	}
	server.Write([]byte("answer"))
	if old, err := s.CloseWait(t.Context(), time.Hour); err != nil || old.Leaked != 0 || old.CloseWait != 2 {
		t.Errorf("for an hour: %+v, %v", old, err)
	}
}

func TestLookUpNamesThisProcess(t *testing.T) {
	nstest.Enter(t)
	l := nstest.Listen(t, "127.0.0.1:80", 16)
	client, _ := accepted(t, l, "127.0.0.1:0", "127.0.0.1:80")
	client.Write([]byte("hello"))
	nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80").Write([]byte("not accepted"))
	s := begin(t, Selection{Ports: []policy.PortRange{{First: 80, Last: 80}}}, nil)
	var q *Queues
	nstest.Await(t, "two receive queues", func() bool {
		var err error
		if q, err = s.Queues(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		return q.Total == 2
	})
	listeners := s.Listeners()
	if _, err := LookUp(t.Context(), q, listeners); err != nil {
		t.Fatal(err)
	}
	for _, c := range q.Connections {
		if c.Accepted() != (len(c.Holders) == 1) || c.Accepted() && c.Holders[0].PID != os.Getpid() {
			t.Errorf("got %+v", c)
		}
	}
	if h := listeners.ByService[0][0].Holders; len(h) != 1 || h[0].PID != os.Getpid() || h[0].Files < 3 {
		t.Errorf("the listener is held by %+v", h)
	}
}
