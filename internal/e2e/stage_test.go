package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
)

// stage is a laboratory of one test, and a directory for the daemon's policy and socket.
type stage struct {
	*lab.Lab
	t     *testing.T
	dir   string
	table *lab.TableWatch
	quiet bool // no other test floods with packets
}

// newStage makes a test one of those that run at once: they mostly wait, in namespaces of their own.
func newStage(t *testing.T) *stage {
	t.Helper()
	t.Parallel()
	return newStageAlone(t)
}

// newStageAlone is newStage for what needs the whole machine.
func newStageAlone(t *testing.T) *stage {
	t.Helper()
	l := nstest.Lab(t)
	s := &stage{Lab: l, t: t, dir: t.TempDir()}
	// Whoever may run the program may read its policy, and bind beside it only as root.
	for _, dir := range []string{s.dir, filepath.Dir(s.dir)} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if s.table, err = lab.WatchTable(t.Context(), l.Victim, "ebbgate", 5*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	return s
}

// attacked is a stage with an attack that is held to the limits.
func attacked(t *testing.T) (*stage, *lab.Server, *lab.Hoard, *daemon) {
	t.Helper()
	s := newStage(t)
	server := s.server(everywhere(), capacity)
	d := s.daemon(policyFile{})
	flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	// Before each has been above its limit once, none being there means nothing.
	d.awaitStatus("all sources are limited", limiting(8))
	s.awaitLimited(perSource, server, flood)
	return s, server, flood, d
}

func (s *stage) config() string { return filepath.Join(s.dir, "config.toml") }
func (s *stage) socket() string { return filepath.Join(s.dir, "control.sock") }

// write puts the policy where the daemon reads it.
func (s *stage) write(text string) {
	s.t.Helper()
	if err := os.WriteFile(s.config(), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// server starts a server of the given capacity in the victim.
func (s *stage) server(at netip.AddrPort, capacity int) *lab.Server {
	s.t.Helper()
	server, err := lab.StartServer(s.t.Context(), s.Victim, lab.ServerConfig{Listen: []netip.AddrPort{at}, Capacity: capacity})
	if err != nil {
		s.t.Fatal(err)
	}
	return server
}

// clients starts 20 legitimate clients and waits until they are served.
func (s *stage) clients(target netip.AddrPort) *lab.Clients {
	s.t.Helper()
	sources := lab.ClientRange().IPv4(20)
	if target.Addr().Is6() {
		sources = lab.ClientRange().IPv6(20)
	}
	clients, err := lab.StartClients(s.t.Context(), s.Clients, lab.ClientsConfig{Target: target, Sources: sources, Rate: 50})
	if err != nil {
		s.t.Fatal(err)
	}
	s.served(clients, 10)
	return clients
}

// served waits until so many more requests of the clients have succeeded.
func (s *stage) served(clients *lab.Clients, more uint64) {
	s.t.Helper()
	before := clients.Totals().Succeeded
	await(s.t, soon, fmt.Sprintf("%d more requests are served", more), func() error {
		if got := clients.Totals().Succeeded - before; got < more {
			return fmt.Errorf("%d are; the last failure: %w", got, clients.LastError())
		}
		return nil
	})
}

// flood lets attackers open connections to target, hold them, and open them again.
func (s *stage) flood(target netip.AddrPort, sources []netip.Addr, total int) *lab.Hoard {
	s.t.Helper()
	return s.hoard(s.Attackers, lab.HoardConfig{Target: target, Sources: sources, Total: total, Rate: 30000, Payload: lab.PartialRequest()})
}

func (s *stage) hoard(from *lab.Namespace, c lab.HoardConfig) *lab.Hoard {
	s.t.Helper()
	h, err := lab.StartHoard(s.t.Context(), from, c)
	if err != nil {
		s.t.Fatal(err)
	}
	return h
}

// stop ends a component of the laboratory.
func (s *stage) stop(c interface{ Stop() error }) {
	s.t.Helper()
	if err := c.Stop(); err != nil {
		s.t.Fatal(err)
	}
}

// awaitTable waits until the table is there, or gone, and returns when it came and went the last
// time.
func (s *stage) awaitTable(present bool) lab.Presence {
	s.t.Helper()
	var last lab.Presence
	patience := 20 * time.Second
	if !present {
		// On a busy machine a flood of connections may look like one of SYNs for a moment, and what counts
		// those stays for a minute after.
		patience = 90 * time.Second
	}
	await(s.t, patience, fmt.Sprintf("table present: %t", present), func() error {
		all := s.table.Presences()
		if len(all) == 0 {
			return errors.New("it has never been there")
		}
		last = all[len(all)-1]
		if last.Gone.IsZero() != present {
			return fmt.Errorf("it came and went at %v", all)
		}
		return nil
	})
	return last
}

// v4 and v6 are the victim's addresses with the service's port.
func v4() netip.AddrPort { return netip.AddrPortFrom(lab.VictimV4(), port) }
func v6() netip.AddrPort { return netip.AddrPortFrom(lab.VictimV6(), port) }

// everywhere listens at all addresses of both families.
func everywhere() netip.AddrPort { return netip.AddrPortFrom(netip.IPv6Unspecified(), port) }
