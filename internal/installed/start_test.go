package installed

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"ebbgate/internal/nstest"
)

// unstartable is a good policy with which no daemon starts: its socket is where nothing may be written.
func unstartable() string {
	return enforcing(perSource) + "\n[control]\nsocket = \"/etc/ebbgate/control.sock\"\n"
}

// neverStarts: a daemon that fails at every start gives up the limits that nobody looks after any more. It is
// tried again and again, and so is back by itself when the reason is gone.
func (h *host) neverStarts(t *testing.T) {
	cursor := h.cursor(t)
	h.policy(t, unstartable())
	if r := h.Try("systemctl", "restart", "ebbgate"); r.Status == 0 {
		t.Error("systemctl restart succeeds though the daemon cannot start")
	}
	nstest.Until(t, patience, "the table is gone", func() error {
		if tables := h.tables(t); tables != "" {
			return fmt.Errorf("after %d restarts there are %s", h.restarts(t), tables)
		}
		return nil
	})
	if n := h.restarts(t); n > 3 {
		t.Errorf("the table lasted for %d restarts", n)
	}
	nstest.Until(t, patience, "nobody is held back", func() error { return h.guard.exceeds(perSource) })
	h.triedAgain(t)
	if said := h.since(t, cursor); !strings.Contains(said, "/etc/ebbgate/control.sock") || !strings.Contains(said, "status=1/FAILURE") {
		t.Errorf("the journal does not say why:\n%s", said)
	}
	h.policy(t, enforcing(perSource))
	h.recovered(t)
}

// unreadable: a policy that only root may read is no reason to give up, as a bad one is. systemd tries until
// somebody has mended that, and the limits are back without a hand.
func (h *host) unreadable(t *testing.T) {
	const path = "/etc/ebbgate/config.toml"
	if r := h.Try("ebbgate", "check", path); r.Status != 0 || strings.Contains(r.String(), "may not read") {
		t.Errorf("ebbgate check of a policy that may be read: %s", r)
	}
	cursor := h.cursor(t)
	h.Run(t, "chmod", "0600", path)
	h.Run(t, "chown", "root:root", path)
	if r := h.Try("ebbgate", "check", path); r.Status != 0 || !strings.Contains(r.String(), "warning: ") || !strings.Contains(r.String(), "chgrp ebbgate "+path) {
		t.Errorf("ebbgate check by root: %s", r)
	}
	h.Run(t, "systemctl", "kill", "--signal=KILL", "ebbgate")
	h.triedAgain(t)
	if said := h.since(t, cursor); !strings.Contains(said, "chgrp ebbgate "+path) || !strings.Contains(said, "status=1/FAILURE") {
		t.Errorf("the journal does not say what to do:\n%s", said)
	}
	h.Run(t, "chgrp", "ebbgate", path)
	h.Run(t, "chmod", "0640", path)
	h.recovered(t)
}

// restarts returns how often systemd has started the service by itself since somebody last did.
func (h *host) restarts(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(h.property(t, "NRestarts"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// triedAgain waits until the service has been started twice more, in vain.
func (h *host) triedAgain(t *testing.T) {
	t.Helper()
	before := h.restarts(t)
	nstest.Until(t, patience, "systemd tries again", func() error {
		if n := h.restarts(t) - before; n < 2 {
			return fmt.Errorf("%d more restarts", n)
		}
		return nil
	})
	if _, err := h.ask(); err == nil {
		t.Error("the daemon answers")
	}
}

// recovered waits until the service is up again and every attacker has been held to the limit for a while,
// and checks that everybody is served beside them. What they had opened before, the kernel does not count, so
// at first some hold a few more until these are closed.
func (h *host) recovered(t *testing.T) {
	t.Helper()
	h.limiting(t)
	h.guard.forget()
	refused := h.flood.Counts().Refused
	nstest.Until(t, patience, "every attacker is held to the limit again", func() error {
		if err := h.guard.holds(perSource); err != nil {
			h.guard.forget()
			return err
		}
		if held := time.Since(h.guard.since()); held < time.Second {
			return fmt.Errorf("all are, for %v", held)
		}
		return nil
	})
	if h.flood.Counts().Refused == refused {
		t.Error("no attacker is refused")
	}
	h.checkServed(t)
	h.wants(t, map[string]string{"ActiveState": "active", "SubState": "running"})
}
