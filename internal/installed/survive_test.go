package installed

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/nstest"
)

// gapless checks that since the attack was first limited the table was never gone, and that since the guard
// began to count no attacker was seen to hold more than he may and everybody else was served. The limits are
// in force.
func (h *host) gapless(t *testing.T) {
	t.Helper()
	h.limiting(t)
	refused := h.flood.Counts().Refused
	h.served(t, 25)
	h.checkServed(t)
	if h.flood.Counts().Refused == refused {
		t.Error("no attacker is refused any more")
	}
	if all := h.table.Presences(); len(all) != 1 || !all[0].Gone.IsZero() {
		t.Errorf("the table came and went: %+v", all)
	}
	h.guard.check(t, perSource)
}

// replaced waits until another process has taken the daemon's place and answers.
func (h *host) replaced(t *testing.T, pid int) *control.Status {
	t.Helper()
	return h.until(t, "another process runs", func(s *control.Status) error {
		if s.PID == pid {
			return errors.New("the old one answers")
		}
		return nil
	})
}

// interrupted does something to the daemon in the middle of the attack that has it replaced.
func (h *host) interrupted(t *testing.T, what func()) *control.Status {
	t.Helper()
	pid := h.mainPID(t)
	h.guard.forget()
	began := time.Now()
	what()
	status := h.replaced(t, pid)
	t.Logf("another process answers after %v", time.Since(began).Round(time.Millisecond))
	h.gapless(t)
	h.wants(t, map[string]string{"ActiveState": "active", "SubState": "running", "MainPID": fmt.Sprint(status.PID)})
	return status
}

// upgrade: a newer package takes the limits in force over, and leaves the operator's policy alone.
func (h *host) upgrade(t *testing.T) {
	status := h.interrupted(t, func() { h.aptInstall(t, newer) })
	if status.Version != "0.2.0" {
		t.Errorf("version %s runs", status.Version)
	}
	if got := h.Run(t, "cat", "/etc/ebbgate/config.toml"); got != enforcing(perSource) {
		t.Errorf("the policy is now:\n%s", got)
	}
}

// upgradeRefused: a policy that the new version would not take, or may not read, is no reason to give up the
// limits of the old one, which stays until somebody has mended the policy.
func (h *host) upgradeRefused(t *testing.T) {
	pid := h.mainPID(t)
	h.guard.forget()
	for what, spoil := range map[string]func(){
		"bad":            func() { h.policy(t, "mode = \"neither\"\n") },
		"root's to read": func() { h.Run(t, "chmod", "0600", "/etc/ebbgate/config.toml") },
	} {
		spoil()
		path := h.putDeb(t, newer)
		said := h.Try("dpkg", "--install", path)
		if said.Status != 0 || !strings.Contains(said.Stderr, "could not start with /etc/ebbgate/config.toml") {
			t.Errorf("%s: dpkg says %s", what, said)
		}
		h.Run(t, "rm", path)
		if now := h.mainPID(t); now != pid {
			t.Errorf("%s: process %d has taken the place of %d", what, now, pid)
		}
		h.policy(t, enforcing(perSource))
	}
	h.gapless(t)
}

// hangup: SIGHUP loads the policy, too.
func (h *host) hangup(t *testing.T) {
	pid, before := h.mainPID(t), h.limiting(t)
	h.Run(t, "systemctl", "kill", "--signal=HUP", "ebbgate")
	h.until(t, "the policy is loaded again", func(s *control.Status) error {
		if s.Reload == nil || before.Reload != nil && s.Reload.At == before.Reload.At || s.Reload.Error != "" {
			return fmt.Errorf("reload %+v", s.Reload)
		}
		return nil
	})
	h.wants(t, map[string]string{"ActiveState": "active", "SubState": "running", "MainPID": fmt.Sprint(pid)})
	h.gapless(t)
}

// killed: systemd starts what died by kill -9.
func (h *host) killed(t *testing.T) {
	h.interrupted(t, func() { h.Run(t, "systemctl", "kill", "--signal=KILL", "ebbgate") })
}

// restart: an orderly one.
func (h *host) restart(t *testing.T) {
	h.interrupted(t, func() { h.Run(t, "systemctl", "restart", "ebbgate") })
}

// reexecuted: systemd itself starts anew, as when it is upgraded, and has the descriptor still in store for
// a daemon that dies after that.
func (h *host) reexecuted(t *testing.T) {
	pid := h.mainPID(t)
	h.Run(t, "systemctl", "daemon-reexec")
	if now := h.mainPID(t); now != pid {
		t.Errorf("process %d has taken the place of %d", now, pid)
	}
	h.killed(t)
}

// frozen: the watchdog finds a daemon that does nothing any more, has it write down what it did, and starts
// another. The limits in force last on their leases.
func (h *host) frozen(t *testing.T) {
	cursor := h.cursor(t)
	h.interrupted(t, func() { h.Run(t, "systemctl", "kill", "--signal=STOP", "ebbgate") })
	nstest.Until(t, patience, "the journal tells", func() error {
		said := h.since(t, cursor)
		for _, want := range []string{"Watchdog timeout", "SIGABRT", "goroutine 1 ", "Failed with result 'watchdog'"} {
			if !strings.Contains(said, want) {
				return fmt.Errorf("%q is not in the journal:\n%s", want, said)
			}
		}
		return nil
	})
}

// mute: the journal goes, and with it whoever reads what the daemon writes. It goes on, and what the journal
// did not get is told later: systemd 257 keeps it in sockets that outlive the journal.
func (h *host) mute(t *testing.T) {
	const units = "systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service"
	cursor := h.cursor(t)
	h.Run(t, "sh", "-ec", "systemctl stop "+units)
	h.hangup(t)
	h.Run(t, "sh", "-ec", "systemctl start "+units)
	h.hangup(t)
	nstest.Until(t, patience, "the journal tells", func() error {
		said := h.since(t, cursor)
		told := strings.Count(said, "reload: the policy is in force")
		if told != 2 && (told != 1 || !strings.Contains(said, "log records were left out")) {
			return fmt.Errorf("two reloads are neither told nor said to be left out:\n%s", said)
		}
		return nil
	})
}

// operatorsRules are somebody else's, loaded by nftables.service.
const operatorsRules = `#!/usr/sbin/nft -f
flush ruleset

table inet operator {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport 25 drop
	}
}
`

// flushed: others load, reload and flush all rules. Theirs are as they say, and ours stay.
func (h *host) flushed(t *testing.T) {
	pid := h.mainPID(t)
	h.guard.forget()
	h.Write(t, "/etc/nftables.conf", operatorsRules, 0o755)
	h.Run(t, "systemctl", "start", "nftables")
	h.Run(t, "nft", "add", "table", "inet", "stray")
	h.Run(t, "systemctl", "reload", "nftables")
	if got, want := h.tables(t), "table inet ebbgate\ntable inet operator\n"; got != want {
		t.Errorf("the tables after a reload are\n%s, want\n%s", got, want)
	}
	if got := h.Run(t, "nft", "list", "table", "inet", "operator"); !strings.Contains(got, "tcp dport 25 drop") {
		t.Errorf("the operator's rules after a reload:\n%s", got)
	}
	h.gapless(t)
	h.Run(t, "nft", "flush", "ruleset")
	if got, want := h.tables(t), "table inet ebbgate\n"; got != want {
		t.Errorf("the tables after a flush are\n%s, want\n%s", got, want)
	}
	h.gapless(t)
	if now := h.mainPID(t); now != pid {
		t.Errorf("process %d has taken the place of %d", now, pid)
	}
}

// tables lists the names of all tables.
func (h *host) tables(t *testing.T) string {
	t.Helper()
	return h.Run(t, "sh", "-c", "nft list tables | sort")
}
