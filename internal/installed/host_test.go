package installed

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/internal/nspawn"
	"ebbgate/internal/nstest"
)

const (
	port      = 8080
	perSource = 100
	attackers = 8
	// patience is for whatever a busy machine may take long for.
	patience = 30 * time.Second
)

// host is a machine that ebbgate is installed on, its network, and what goes on there.
type host struct {
	*nspawn.Machine
	*lab.Lab
	t       *testing.T // the whole life; a step has its own
	table   *lab.TableWatch
	clients *lab.Clients
	flood   *lab.Hoard
	guard   *guard
}

func newHost(t *testing.T, suite nspawn.Suite) *host {
	t.Helper()
	l := nstest.Lab(t)
	h := &host{Machine: nspawn.Boot(t, suite, l.Victim), Lab: l, t: t}
	var err error
	if h.table, err = lab.WatchTable(t.Context(), l.Victim, "ebbgate", 5*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	h.Put(t, made(t, "shop"), "/usr/local/sbin/shop", 0o755)
	h.Write(t, "/etc/systemd/system/shop.service", fmt.Sprintf("[Service]\nExecStart=/usr/local/sbin/shop %s\nLimitNOFILE=16384\n", shop()), 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	h.Run(t, "systemctl", "start", "shop")
	h.clients, err = lab.StartClients(t.Context(), l.Clients, lab.ClientsConfig{Target: shop(), Sources: lab.ClientRange().IPv4(20), Rate: 50})
	if err != nil {
		t.Fatal(err)
	}
	h.served(t, 10)
	return h
}

// shop is where the attacked server listens.
func shop() netip.AddrPort { return netip.AddrPortFrom(lab.VictimV4(), port) }

// served waits until so many more requests of the clients have succeeded.
func (h *host) served(t *testing.T, more uint64) {
	t.Helper()
	before := h.clients.Totals().Succeeded
	nstest.Until(t, patience, fmt.Sprintf("%d more requests are served", more), func() error {
		if got := h.clients.Totals().Succeeded - before; got < more {
			return fmt.Errorf("%d are; the last failure: %w", got, h.clients.LastError())
		}
		return nil
	})
}

// aptInstall installs a package, of which apt takes nothing else from anywhere.
func (h *host) aptInstall(t *testing.T, version string) {
	t.Helper()
	path := h.putDeb(t, version)
	h.Run(t, "apt-get", "install", "--yes", path)
	h.Run(t, "rm", path)
}

// putDeb copies a package to the machine, and returns where to.
func (h *host) putDeb(t *testing.T, version string) (path string) {
	t.Helper()
	from := deb(t, version)
	path = "/tmp/" + filepath.Base(from)
	h.Put(t, from, path, 0o644)
	return path
}

// property asks systemd for a property of the service.
func (h *host) property(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSuffix(h.Run(t, "systemctl", "show", "--property="+name, "--value", "ebbgate"), "\n")
}

// wants checks properties of the service.
func (h *host) wants(t *testing.T, properties map[string]string) {
	t.Helper()
	for name, want := range properties {
		if got := h.property(t, name); got != want {
			t.Errorf("%s=%s, want %s", name, got, want)
		}
	}
}

// mainPID returns the daemon's process, as the machine numbers it.
func (h *host) mainPID(t *testing.T) int {
	t.Helper()
	pid, err := strconv.Atoi(h.property(t, "MainPID"))
	if err != nil || pid == 0 {
		t.Fatalf("the daemon has no process: %d, %v", pid, err)
	}
	return pid
}

// ask asks the daemon by its own command.
func (h *host) ask() (*control.Status, error) {
	r := h.Try("ebbgate", "status", "--json")
	if r.Status != 0 {
		return nil, errors.New(r.String())
	}
	status := new(control.Status)
	return status, json.Unmarshal([]byte(r.Stdout), status)
}

// until waits until ok returns nil for the daemon's status, and returns that status.
func (h *host) until(t *testing.T, what string, ok func(*control.Status) error) (status *control.Status) {
	t.Helper()
	nstest.Until(t, patience, what, func() (err error) {
		if status, err = h.ask(); err != nil {
			return err
		}
		if len(status.Faults) > 0 {
			return fmt.Errorf("faults %+v", status.Faults)
		}
		return ok(status)
	})
	return status
}

// policy puts a policy in place.
func (h *host) policy(t *testing.T, text string) {
	t.Helper()
	h.Write(t, "/etc/ebbgate/config.toml", text, 0o640)
	h.Run(t, "chgrp", "ebbgate", "/etc/ebbgate/config.toml")
}

// enforcing limits the shop. Sources are never blocked, so that limits can be watched however long a test
// takes; the lease is longer than the watchdog needs.
func enforcing(perSource int) string {
	return fmt.Sprintf(`mode = "enforce"

[[service]]
name  = "shop"
ports = [%d]

  [service.connections]
  per_source = %d

  [service.response]
  lease       = "30s"
  quiet       = "2s"
  block_after = "0s"
`, port, perSource)
}

// rules lists all rules of the machine.
func (h *host) rules(t *testing.T) string {
	t.Helper()
	return h.Run(t, "nft", "list", "ruleset")
}
