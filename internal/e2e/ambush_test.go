package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// deskPort is that of a second service, whose sources are refused and never blocked.
const deskPort = 8081

// deadPolicy blocks at one service for an hour, and only refuses at the other. What ends with the daemon
// is the way to both, within a lease.
func deadPolicy(socket string) string {
	text := fmt.Sprintf("mode = \"enforce\"\n[control]\nsocket = %q\nview_group = \"\"\n[history]\npath = \"\"\n", socket)
	for name, at := range map[string]struct {
		port  int
		block string
	}{"shop": {port, `"1s"`}, "desk": {deskPort, `"0s"`}} {
		text += fmt.Sprintf("[[service]]\nname = %q\nports = [%d]\n[service.connections]\nper_source = %d\n[service.response]\n"+
			"lease = \"3s\"\nquiet = \"60s\"\nblock_after = %s\nblock_for = [\"1h\"]\n", name, at.port, perSource, at.block)
	}
	return text
}

// ambush is a stage with two services that are attacked, and the program that defends them.
type ambush struct {
	*stage
	program    string
	daemon     *daemon
	shop, desk *lab.Server
	floods     []*lab.Hoard
}

func newAmbush(t *testing.T, owned bool) *ambush {
	t.Helper()
	a := &ambush{stage: newStage(t), program: program}
	if !owned {
		a.program = oldProgram(t)
	}
	a.forgetful()
	a.shop = a.server(everywhere(), capacity)
	a.desk = a.server(netip.AddrPortFrom(netip.IPv6Unspecified(), deskPort), capacity)
	a.run()
	return a
}

// run starts the program.
func (a *ambush) run() {
	a.t.Helper()
	a.write(deadPolicy(a.socket()))
	cmd := command("run", "--config", a.config())
	cmd.Path = a.program
	a.daemon = a.start(cmd)
}

// Sources of the attacks on the two services, of both families.
func blockedSources() []netip.Addr { return lab.AttackRange().IPv4(4) }
func refusedSources() []netip.Addr { return lab.AttackRange().OneSubnet(4) }

func deskV6() netip.AddrPort { return netip.AddrPortFrom(lab.VictimV6(), deskPort) }

func (a *ambush) begin() {
	a.t.Helper()
	a.floods = []*lab.Hoard{a.flood(v4(), blockedSources(), 1500), a.flood(deskV6(), refusedSources(), 1500)}
}

func (a *ambush) end() {
	a.t.Helper()
	for _, f := range a.floods {
		a.stop(f)
	}
}

// awaitAnswers waits until the sources are blocked at one service and refused at the other.
func (a *ambush) awaitAnswers() {
	a.t.Helper()
	a.daemon.awaitStatus("the sources are blocked and refused", func(s *control.Status) error {
		for _, svc := range s.Services {
			if svc.Name == "shop" && svc.BlocksTotal != len(blockedSources()) || svc.Name == "desk" && svc.LimitsTotal != 1 {
				return fmt.Errorf("%s: %d blocks, %d limits", svc.Name, svc.BlocksTotal, svc.LimitsTotal)
			}
		}
		return healthy(s)
	})
	await(a.t, soon, "new connections are turned away", func() error {
		if a.answers(blockedSources()[0], v4()) || a.answers(refusedSources()[0], deskV6()) {
			return errNotYet
		}
		return nil
	})
}

// awaitPassing waits until both have more than was their limit, and hold it.
func (a *ambush) awaitPassing() {
	a.t.Helper()
	await(a.t, soon, "the refused pass", moreThan(perSource, a.desk))
	await(a.t, soon, "the blocked pass", moreThan(perSource, a.shop))
}

// answers reports whether a source gets an answer.
func (a *ambush) answers(from netip.Addr, to netip.AddrPort) bool {
	a.t.Helper()
	conn, err := a.dial(a.Attackers, from, to)
	if err != nil {
		if !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, context.DeadlineExceeded) {
			a.t.Logf("%s to %s: %v", from, to, err)
		}
		return false
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		a.t.Fatal(err)
	}
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: lab\r\n\r\n")); err != nil {
		return false
	}
	n, _ := conn.Read(make([]byte, 1))
	return n == 1
}
