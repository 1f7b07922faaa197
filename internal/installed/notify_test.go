package installed

import (
	"fmt"
	"strings"
	"testing"

	"ebbgate/internal/nspawn"
	"ebbgate/internal/nstest"
)

const (
	notifyUnit     = "ebbgate-notify.service"
	notifyExamples = "/usr/share/doc/ebbgate/examples/" + notifyUnit + ".d/"
	notifyDropIns  = "/etc/systemd/system/" + notifyUnit + ".d/"
	toldFile       = "/var/lib/ebbgate-notify/told"
)

// TestNotifyService: installed and not begun; with the drop-in for a command it reads the daemon's events in its
// sandbox, and runs the command; with the one for a webhook it reaches the network; and a purge leaves nothing.
func TestNotifyService(t *testing.T) {
	t.Parallel()
	for _, suite := range []nspawn.Suite{nspawn.Bookworm, nspawn.Trixie} {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			h := &host{Machine: nspawn.Boot(t, suite, nstest.Lab(t).Victim)}
			h.aptInstall(t, older)
			if got := h.Run(t, "systemctl", "show", "--property=UnitFileState", "--property=ActiveState", notifyUnit); got != "ActiveState=inactive\nUnitFileState=disabled\n" &&
				got != "UnitFileState=disabled\nActiveState=inactive\n" {
				t.Errorf("after the installation: %s", got)
			}
			if r := h.Try("systemd-analyze", "verify", "--man=no", notifyUnit); r.Status != 0 || r.Stdout+r.Stderr != "" {
				t.Errorf("verify: %s", r)
			}
			h.notifyUntold(t)
			h.notifyByCommand(t)
			h.notifyByWebhook(t)
			h.Run(t, "rm", "-r", notifyDropIns)
			h.Run(t, "apt-get", "purge", "--yes", "ebbgate")
			h.traceless(t)
		})
	}
}

// notifyUntold: without a drop-in nobody is to be told, and it stays down and says so.
func (h *host) notifyUntold(t *testing.T) {
	t.Helper()
	h.Try("systemctl", "start", notifyUnit)
	h.notifyJournal(t, "systemctl edit ebbgate-notify")
	if got := h.Run(t, "systemctl", "show", "--property=NRestarts", "--value", notifyUnit); strings.TrimSpace(got) != "0" {
		t.Errorf("started %s times again", got)
	}
}

// notifyWith takes a drop-in of the examples and starts the service.
func (h *host) notifyWith(t *testing.T, name, arguments string) {
	t.Helper()
	h.Run(t, "rm", "-rf", notifyDropIns)
	h.Run(t, "mkdir", "-p", notifyDropIns)
	h.Run(t, "cp", notifyExamples+name, notifyDropIns)
	h.Write(t, notifyDropIns+"then.conf", "[Service]\nExecStart=\nExecStart=/usr/sbin/ebbgate notify "+arguments+"\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	h.Run(t, "systemctl", "reset-failed", notifyUnit)
	h.Run(t, "systemctl", "restart", notifyUnit)
}

func (h *host) notifyByCommand(t *testing.T) {
	t.Helper()
	h.Write(t, "/usr/local/sbin/page-somebody", "#!/bin/sh\nid -un >>"+toldFile+"\nexec cat >>"+toldFile+"\n", 0o755)
	h.notifyWith(t, "command.conf", "--events all --unreachable-after 1s --flap 0s --burst 100 -- /usr/local/sbin/page-somebody")
	nstest.Until(t, patience, "the service remembers what it has read", func() error {
		if r := h.Try("test", "-s", "/var/lib/ebbgate-notify/told.json"); r.Status != 0 {
			return fmt.Errorf("there is no state: %s", r)
		}
		return nil
	})
	h.Run(t, "systemctl", "kill", "--kill-who=main", "--signal=USR1", notifyUnit)
	h.notifyTold(t, `"event":"test"`)
	h.Run(t, "systemctl", "stop", "ebbgate")
	h.notifyTold(t, `"event":"daemon-unreachable"`)
	h.Run(t, "systemctl", "start", "ebbgate")
	h.notifyTold(t, `"event":"daemon-reachable"`)
	h.notifyTold(t, `"event":"started"`)
	h.notifyTold(t, "ebbgate-notify\n")
}

// notifyByWebhook: nobody listens, and that is what it finds: so its sandbox lets it out.
func (h *host) notifyByWebhook(t *testing.T) {
	t.Helper()
	h.Write(t, "/etc/ebbgate-notify.url", "http://127.0.0.1:1/hunter2\n", 0o600)
	h.notifyWith(t, "webhook.conf", "--webhook-credential url")
	h.Run(t, "systemctl", "kill", "--kill-who=main", "--signal=USR1", notifyUnit)
	if journal := h.notifyJournal(t, "127.0.0.1:1: "); !strings.Contains(journal, "connection refused") || strings.Contains(journal, "hunter2") {
		t.Errorf("the journal says:\n%s", journal)
	}
	h.Run(t, "rm", "/etc/ebbgate-notify.url")
}

// notifyTold waits until the command was given a text.
func (h *host) notifyTold(t *testing.T, text string) {
	t.Helper()
	nstest.Until(t, patience, "the command is given "+text, func() error {
		if r := h.Try("cat", toldFile); !strings.Contains(r.Stdout, text) {
			return fmt.Errorf("it was given %s\n%s", r, h.Run(t, "journalctl", "--unit="+notifyUnit, "--output=cat"))
		}
		return nil
	})
}

// notifyJournal waits until the service has logged a text, and returns all it has.
func (h *host) notifyJournal(t *testing.T, text string) (journal string) {
	t.Helper()
	nstest.Until(t, patience, "the journal has "+text, func() error {
		if journal = h.Run(t, "journalctl", "--unit="+notifyUnit, "--output=cat"); !strings.Contains(journal, text) {
			return fmt.Errorf("it has:\n%s", journal)
		}
		return nil
	})
	return journal
}
