package lab

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestNewAndCloseLeaveNothing(t *testing.T) {
	newLab(t)
	checkLeaks(t, func() {
		l := must(New())(t)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseStopsEverythingThatRuns(t *testing.T) {
	newLab(t)
	checkLeaks(t, func() {
		l := must(New())(t)
		ctx := context.Background()
		s := must(StartServer(ctx, l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80), v6(80)}, Capacity: 20}))(t)
		must(StartClients(ctx, l.Clients, ClientsConfig{Target: v6(80), Sources: ClientRange().IPv6(3), Rate: 100}))(t)
		h := must(StartHoard(ctx, l.Attackers, HoardConfig{Target: v4(80), Sources: AttackRange().IPv4(3), PerSource: 10}))(t)
		must(StartSpoof(ctx, l.Attackers, SpoofConfig{Target: v4(80), Sources: SpoofRange().IPv4(9), Rate: 1000}))(t)
		must(WatchTable(ctx, l.Victim, "ebbgate", 0))(t)
		must(StartOutgoing(ctx, l, 10))(t)
		await(t, "the hoard fills the server", func() bool { return s.Counts().Held == 20 && h.Counts().Held > 20 })
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if s.Counts().Held != 0 || len(s.HeldBy()) != 0 || h.Counts().Held != 0 || h.Counts().Connecting != 0 {
			t.Errorf("gauges after Close: server %+v, hoard %+v", s.Counts(), h.Counts())
		}
		if _, err := StartServer(ctx, l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(81)}, Capacity: 1}); !errors.Is(err, ErrClosed) {
			t.Errorf("start after Close: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestKernelRemovesTheNamespacesAfterClose(t *testing.T) {
	outer := newLab(t)
	inner := must(New())(t)
	find := func() error {
		return outer.Victim.Do(func() error {
			_, err := netlink.LinkByName("witness")
			return err
		})
	}
	for _, n := range []*Namespace{inner.Victim, inner.Clients, inner.Attackers} {
		if err := outer.Victim.Do(func() error { return witness(n) }); err != nil {
			t.Fatal(err)
		}
		if err := find(); err != nil {
			t.Fatal(err)
		}
		n.shut()
		if err := n.close(); err != nil {
			t.Fatal(err)
		}
		await(t, "the kernel removes "+n.String(), func() bool { return find() != nil })
	}
}

func TestHostIsNotTouched(t *testing.T) {
	describe := func() string {
		var b strings.Builder
		for _, path := range []string{"/proc/net/dev", "/proc/net/fib_trie", "/proc/net/if_inet6"} {
			content := must(os.ReadFile(path))(t)
			for line := range strings.Lines(string(content)) {
				if path == "/proc/net/dev" {
					line, _, _ = strings.Cut(line, ":") // the counters may move
				}
				b.WriteString(strings.TrimSpace(line) + "\n")
			}
		}
		return b.String()
	}
	before := describe()
	newLab(t)
	if after := describe(); after != before {
		t.Errorf("the host's links, routes or addresses changed:\n%s\nwere:\n%s", after, before)
	}
	if entries, err := os.ReadDir("/run/netns"); !errors.Is(err, fs.ErrNotExist) {
		for _, e := range entries {
			if strings.Contains(e.Name(), "victim") {
				t.Errorf("a named namespace %s", e.Name())
			}
		}
	}
}

func TestSourcesReachTheVictim(t *testing.T) {
	l := newLab(t)
	s := must(StartServer(t.Context(), l.Victim, ServerConfig{
		Listen: []netip.AddrPort{netip.MustParseAddrPort("[::]:80")}, Capacity: 100,
	}))(t)
	last := func(a []netip.Addr) netip.Addr { return a[len(a)-1] }
	for _, c := range []struct {
		name   string
		from   *Namespace
		source netip.Addr
		target netip.AddrPort
	}{
		{"client, IPv4", l.Clients, last(ClientRange().IPv4(rangeSize)), v4(80)},
		{"client, IPv6", l.Clients, last(ClientRange().IPv6(rangeSize)), v6(80)},
		{"the clients' own address", l.Clients, ClientV4(), v4(80)},
		{"attacker, IPv4", l.Attackers, last(AttackRange().IPv4(rangeSize)), v4(80)},
		{"attacker, IPv6", l.Attackers, last(AttackRange().IPv6(rangeSize)), v6(80)},
		{"attacker, one /64", l.Attackers, last(AttackRange().OneSubnet(rangeSize)), v6(80)},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := must(c.from.Dial(t.Context(), c.source, c.target))(t)
			defer conn.Close()
			await(t, "the server sees "+c.source.String(), func() bool { return s.HeldBy()[c.source] == 1 })
		})
	}
}

func TestAnswersToSpoofedSourcesDie(t *testing.T) {
	l := newLab(t)
	// A connection to a dead range can neither succeed nor be refused.
	h := must(StartHoard(t.Context(), l.Victim, HoardConfig{
		Target: silent(), Sources: []netip.Addr{VictimV4()}, Total: 3,
		ConnectTimeout: 1,
	}))(t)
	await(t, "three handshakes time out", func() bool { return h.Counts().TimedOut >= 3 })
	if c := h.Counts(); c.Refused != 0 || c.Held != 0 || c.Errors != 0 {
		t.Errorf("%+v, last error %v", c, h.LastError())
	}
}

// TestNewNamesTheMissingPrivilege builds a laboratory as nobody.
func TestNewNamesTheMissingPrivilege(t *testing.T) {
	newLab(t)
	cmd := helper("new")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if want := "run as root (CAP_SYS_ADMIN and CAP_NET_ADMIN)\n"; err != nil || !strings.HasSuffix(string(out), want) {
		t.Errorf("%v: got %q, want %q", err, out, want)
	}
}
