package audit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

// set changes a setting of the test's own namespace: /proc/sys/net is that of the thread.
func set(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/"+sysctlPath(name), []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

// look gathers and examines the test's namespace, with no sysctl.d files.
func look(t *testing.T, sample time.Duration) (*Facts, []Finding) {
	t.Helper()
	f, err := Gather(context.Background(), Options{Root: t.TempDir(), Sample: sample})
	if err != nil {
		t.Fatal(err)
	}
	return f, Examine(f, nil)
}

// pick returns the finding of an ID whose subject begins so, or one without ID.
func pick(found []Finding, id, subject string) Finding {
	for _, x := range found {
		if x.ID == id && strings.HasPrefix(x.Subject, subject) {
			return x
		}
	}
	return Finding{}
}

// expect fails the test unless there is a finding of that ID and subject with that severity and
// these words.
func expect(t *testing.T, found []Finding, id, subject string, severity Severity, words string) {
	t.Helper()
	if x := pick(found, id, subject); x.ID == "" || x.Severity != severity || !strings.Contains(x.words(), words) {
		t.Errorf("%s %q: want %s with %q, got %s: %s", id, subject, severity, words, x.Severity, x.words())
	}
}

func TestNamespaceSettings(t *testing.T) {
	nstest.Enter(t)
	severity := func() Severity {
		_, found := look(t, 0)
		return pick(found, idCookies, tcpSyncookies).Severity
	}
	for value, want := range map[string]Severity{"0": Critical, "1": OK, "2": Advice} {
		set(t, tcpSyncookies, value)
		if got := severity(); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
	set(t, localPortRange, "50000 50999")
	set(t, reservedPorts, "50000-50099,50200")
	f, found := look(t, 0)
	expect(t, found, idLocalPorts, localPortRange, Advice, "Only 899 outgoing")
	// What belongs to the host is not shown here, and named.
	if !slices.Contains(f.Unread, Unread{tcpMem, initialOnly}) {
		t.Errorf("unread %v", f.Unread)
	}
}

// TestOverflow fills the accept queue of a listener with a small backlog, sees it, and sees it gone.
func TestOverflow(t *testing.T) {
	nstest.Enter(t)
	l := nstest.Listen(t, "0.0.0.0:8080", 3)
	name, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	label := fmt.Sprintf("0.0.0.0:8080 (%s)", strings.TrimSpace(string(name)))

	_, found := look(t, 0)
	expect(t, found, idBacklog, label, Warning, "backlog 3")
	expect(t, found, idOverflow, "accept queues", OK, "")
	expect(t, found, idQueue, "1 listener", OK, "")

	const clients = 12
	var dialled []*nstest.Sock
	for range clients {
		dialled = append(dialled, nstest.DialAsync(t, "127.0.0.1:0", "127.0.0.1:8080"))
	}
	nstest.Await(t, "overflows to be counted", func() bool {
		_, found = look(t, 0)
		return pick(found, idOverflow, "accept queues").Severity == Advice
	})
	expect(t, found, idQueue, label, Critical, "4 waiting, backlog 3")
	// A client that does not get in sends its SYN again after a second (TCP_TIMEOUT_INIT).
	nstest.Await(t, "overflows to be seen as they happen", func() bool {
		dialled = append(dialled, nstest.DialAsync(t, "127.0.0.1:0", "127.0.0.1:8080"))
		_, found = look(t, 1200*time.Millisecond)
		x := pick(found, idOverflow, "accept queues")
		return x.Severity == Critical && strings.Contains(x.Why, "It is "+label)
	})

	for _, c := range dialled {
		c.Close()
	}
	nstest.Await(t, "the queue to be found empty", func() bool {
		_, found = look(t, 0)
		if pick(found, idQueue, "1 listener").Severity == OK && pick(found, idQueue, "1 listener").ID != "" {
			return true
		}
		l.Accept() // half full or more, so one waits
		return false
	})
	nstest.Await(t, "overflows to end", func() bool {
		_, found = look(t, 50*time.Millisecond)
		x := pick(found, idOverflow, "accept queues")
		return x.Severity == Advice && strings.Contains(x.Found, "none now")
	})
}

func TestConnections(t *testing.T) {
	nstest.Enter(t)
	nstest.AnyIP(t, "192.0.2.0/24")
	set(t, localPortRange, "40000 41999")
	asks, err := net.Listen("tcp", "[::]:80") // Go turns keepalive on
	if err != nil {
		t.Fatal(err)
	}
	defer asks.Close()
	asksNot := nstest.Listen(t, "192.0.2.1:81", 64)
	nstest.Listen(t, "0.0.0.0:40100", 64)
	for range fewConnections {
		nstest.Dial(t, "192.0.2.9:0", "192.0.2.1:80")
		accepted, err := asks.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		c := nstest.Dial(t, "192.0.2.9:0", "192.0.2.1:81")
		s := asksNot.Accept()
		c.Close() // first: TIME_WAIT is on the client's side
		s.Close()
		nstest.Dial(t, "192.0.2.9:0", "192.0.2.1:81")
		asksNot.Accept()
	}
	f, found := look(t, 0)
	expect(t, found, idKeepalive, "[::]:80", OK, "keepalive on for 5 of 5 connections")
	expect(t, found, idKeepalive, "192.0.2.1:81", Advice, "keepalive on for 0 of 5 connections")
	expect(t, found, idReserved, reservedPorts, Advice, "port 40100 open to outgoing connections")
	if len(f.Destinations) != 2 {
		t.Fatalf("destinations %v", f.Destinations)
	}
	if d := f.Destinations[0]; d.To.String() != "192.0.2.1:81" || d.From.String() != "192.0.2.9" || d.Open != 5 || d.TimeWait != 5 {
		t.Errorf("%+v", d)
	}
	if d := f.Destinations[1]; d.To.String() != "192.0.2.1:80" || d.Open != 5 || d.TimeWait != 0 {
		t.Errorf("%+v", d)
	}
	if f.Sockets["tw"] != 5 {
		t.Errorf("sockstat has %d in TIME_WAIT", f.Sockets["tw"])
	}

	set(t, localPortRange, "40000 40019")
	_, found = look(t, 0)
	expect(t, found, idLocalPorts, localPortRange, Advice, "Only 20 outgoing")
}

// TestTheKernelTakesTheAdvisedPorts writes what is advised where 10240 is a privileged port.
func TestTheKernelTakesTheAdvisedPorts(t *testing.T) {
	nstest.Enter(t)
	nstest.Listen(t, "127.0.0.1:40001", 16)
	nstest.Listen(t, "0.0.0.0:40002", 16)
	set(t, localPortRange, "60000 61000")
	set(t, unprivPorts, "20001")
	if err := os.WriteFile("/proc/"+sysctlPath(localPortRange), []byte("10240 65535"), 0); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a range that begins with a privileged port: %v, want EINVAL", err)
	}
	_, found := look(t, 0)
	want := []Assignment{{localPortRange, "20002 65535"}, {reservedPorts, "40001-40002"}}
	got := pick(found, idLocalPorts, localPortRange).Sysctls
	if !slices.Equal(got, want) {
		t.Fatalf("advised %v, want %v", got, want)
	}
	for _, a := range got {
		set(t, a.Name, a.Value)
	}
	f, found := look(t, 0)
	if n, _ := (&exam{Facts: f}).ports(); n != 65535-20002+1-2 {
		t.Errorf("%d ports", n)
	}
	expect(t, found, idReserved, reservedPorts, OK, "")
}

// TestPortsRunOut uses up the local ports for one destination.
func TestPortsRunOut(t *testing.T) {
	nstest.Enter(t)
	set(t, localPortRange, "40000 40019")
	l := nstest.Listen(t, "127.0.0.1:80", 64)
	for range 12 {
		nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80")
		l.Accept()
	}
	_, found := look(t, 0)
	expect(t, found, idLocalPorts, "127.0.0.1 to 127.0.0.1:80", Warning, "12 of 20 local ports taken")
	for range 6 {
		nstest.Dial(t, "127.0.0.1:0", "127.0.0.1:80")
		l.Accept()
	}
	_, found = look(t, 0)
	expect(t, found, idLocalPorts, "127.0.0.1 to 127.0.0.1:80", Critical, "")
}

func TestChains(t *testing.T) {
	nstest.Enter(t)
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseLasting()
	base := func(family nftables.TableFamily, table, name string, flags nftables.TableFlags, hook *nftables.ChainHook, priority int32) {
		tb := conn.AddTable(&nftables.Table{Family: family, Name: table, Flags: flags})
		conn.AddChain(&nftables.Chain{Table: tb, Name: name, Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: nftables.ChainPriorityRef(nftables.ChainPriority(priority))})
		conn.AddChain(&nftables.Chain{Table: tb, Name: name + "-regular"})
	}
	base(nftables.TableFamilyINet, ourTable, "pre", 0, nftables.ChainHookPrerouting, -400)
	base(nftables.TableFamilyIPv4, "early", "pre", 0, nftables.ChainHookPrerouting, -400)
	base(nftables.TableFamilyINet, "filter", "input", 0, nftables.ChainHookInput, 0)
	base(nftables.TableFamilyIPv6, "asleep", "input", unix.NFT_TABLE_F_DORMANT, nftables.ChainHookInput, -400)
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	f, found := look(t, 0)
	want := []Chain{{"inet", "filter", "input", "input", 0}, {"ip", "early", "pre", "prerouting", -400}}
	if !slices.Equal(f.Chains, want) {
		t.Errorf("chains %v, want %v", f.Chains, want)
	}
	expect(t, found, idHooks, "table ip early, chain pre", Advice, "")
	conn.DelTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "early"})
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, found = look(t, 0); pick(found, idHooks, "nf_tables").Severity != OK || pick(found, idHooks, "nf_tables").ID == "" {
		t.Error("the chain is gone, the finding is not")
	}
}

// TestWithoutCapabilities looks with none, as an ordinary user would.
func TestWithoutCapabilities(t *testing.T) {
	nstest.Enter(t)
	nstest.Listen(t, "0.0.0.0:80", 5)
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil { // of this thread, which ends with the test
		t.Fatal(err)
	}
	f, found := look(t, 0)
	if f.ChainsKnown || !slices.Contains(f.Unread, Unread{"nf_tables chains", "CAP_NET_ADMIN is needed to list them; run as root"}) {
		t.Errorf("unread %v", f.Unread)
	}
	expect(t, found, idBacklog, "0.0.0.0:80", Warning, "")
}
