package lab

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// occupy opens so many descriptors for the length of the test, so that the next one has a higher
// number.
func occupy(t *testing.T, n int) {
	t.Helper()
	for range n {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatalf("open %d files: %v", n, err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
	}
}

// TestContainerBesideManyDescriptors: select(2) takes no descriptor from 1024 on, and nothing here
// may depend on it.
func TestContainerBesideManyDescriptors(t *testing.T) {
	occupy(t, 1200)
	l, s := containerLab(t)
	if l.Victim.fd < 1024 {
		t.Fatalf("the victim's namespace has descriptor %d", l.Victim.fd)
	}
	source := ClientRange().IPv4(1)[0]
	conn := must(l.Clients.Dial(t.Context(), source, v4(8080)))(t)
	defer conn.Close()
	await(t, "the container sees "+source.String(), func() bool { return s.HeldBy()[source] == 1 })
	w := must(WatchTable(t.Context(), l.Victim, "container", 0))(t)
	if !w.Present() {
		t.Error("the container's table is not seen")
	}
}

// TestTransactionIsRefusedAsAWhole: what was asked for before the fault does not hold either.
func TestTransactionIsRefusedAsAWhole(t *testing.T) {
	l := newLab(t)
	faulty := newTransaction("t")
	faulty.natChain("in", unix.NF_INET_PRE_ROUTING, destinationNAT)
	faulty.rule("missing", hide(netip.IPv6LinkLocalAllNodes()))
	faulty.rule("in", nil)
	if err := faulty.commit(l.Victim); !errors.Is(err, unix.ENOENT) {
		t.Errorf("a rule of a missing chain: %v, want ENOENT", err)
	}
	w := must(WatchTable(t.Context(), l.Victim, "t", 0))(t)
	if w.Present() {
		t.Error("the table of a refused transaction is there")
	}
	good := newTransaction("t")
	good.natChain("in", unix.NF_INET_PRE_ROUTING, destinationNAT)
	good.rule("in", []expr.Any{&expr.Counter{}})
	if err := good.commit(l.Victim); err != nil {
		t.Fatal(err)
	}
	await(t, "the table is seen", w.Present)
}

func TestTransactionRefuses(t *testing.T) {
	l := newLab(t)
	bad := newTransaction("t")
	bad.rule("c", []expr.Any{&expr.Numgen{Type: 99}})
	if err := bad.commit(l.Victim); err == nil || !strings.Contains(err.Error(), "encode message 2") {
		t.Errorf("a rule that cannot be encoded: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := newTransaction("t").commit(l.Victim); !errors.Is(err, ErrClosed) {
		t.Errorf("in a closed laboratory: %v, want ErrClosed", err)
	}
}
