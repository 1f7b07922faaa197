package enforcer

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"ebbgate/internal/lab"
)

// try opens a connection, which is closed at the end of the test.
func (f *field) try(t *testing.T, n *lab.Namespace, from netip.Addr, to netip.AddrPort, within time.Duration) (net.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	c, err := n.Dial(ctx, from, to)
	if err == nil {
		t.Cleanup(func() {
			// With a reset: what is blocked would send the end of its connection again and again.
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = c.Close()
		})
	}
	return c, err
}

// must opens a connection that nothing stands against.
func (f *field) must(t *testing.T, n *lab.Namespace, from netip.Addr, to netip.AddrPort) net.Conn {
	t.Helper()
	c, err := f.try(t, n, from, to, patience)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// outgoing opens connections from the host, and from what is behind it, to sources that the decision
// names (P7).
func (f *field) outgoing(t *testing.T) map[string]net.Conn {
	t.Helper()
	list := make(map[string]net.Conn)
	for _, to := range []string{"10.66.0.1", "10.66.7.1", "fd66:0:0:1::1", "fd66:0:1:9::1"} {
		at := netip.AddrPortFrom(netip.MustParseAddr(to), strangeDoor)
		host, inside := lab.VictimV4(), lab.ContainerV4()
		if at.Addr().Is6() {
			host, inside = lab.VictimV6(), lab.ContainerV6()
		}
		list[to] = f.must(t, f.lab.Victim, host, at)
		if f.lab.Container != nil {
			list[to+" of the container"] = f.must(t, f.lab.Container, inside, at)
		}
	}
	return list
}

// request sends a request on a connection and waits for the first byte of an answer.
func request(t *testing.T, c net.Conn, within time.Duration) error {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Write([]byte(get))
	if err == nil {
		_, err = c.Read(make([]byte, 1))
	}
	return err
}

// say sends a request, for whose answer somebody else waits.
func say(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Write([]byte(get)); err != nil {
		t.Fatal(err)
	}
}

// packets reads our counters.
func (f *field) packets(t *testing.T) map[string]uint64 {
	t.Helper()
	all, err := f.table.counters()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// nft runs the nft tool in the victim.
func (f *field) nft(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command("nft", args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := f.lab.Victim.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		t.Fatalf("nft %v: %v\n%s", args, err, out.String())
	}
	return out.String()
}

// checkListing checks that nft lists what we think we wrote.
func (f *field) checkListing(t *testing.T) {
	t.Helper()
	isListed(t, f.table.Have().Ruleset, f.nft(t, "-y", "list", "table", "inet", TableName))
}
