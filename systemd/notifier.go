package systemd

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notifier tells the service manager how the daemon is. It belongs to the goroutine that runs the
// daemon's loop; no method may be called from another. Each call takes at most notifyPatience,
// whatever the service manager does.
//
// What could not be delivered is owed, but for the watchdog's pings: each later call, of whichever method,
// tries it again before its own message, and returns an error until it is delivered. Where two of a kind are
// owed the older one is left out, and the others keep their order, so that READY always ends the RELOADING
// before it.
type Notifier struct {
	out      mailbox
	deliver  func(string) error
	interval time.Duration
	now      func() time.Time
	pinged   time.Time
	status   string
}

// NewNotifier reads the watchdog's interval from the environment. It returns an error if
// WATCHDOG_USEC or WATCHDOG_PID is not a number.
func NewNotifier() (*Notifier, error) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("read watchdog interval: %w", err)
	}
	return &Notifier{deliver: notify, interval: interval, now: time.Now}, nil
}

// notify does nothing without NOTIFY_SOCKET.
func notify(state string) error {
	_, err := daemon.SdNotify(false, state)
	return err
}

// Ready says that start-up, or a reload, is complete.
func (n *Notifier) Ready() error { return n.send("READY", daemon.SdNotifyReady) }

// Reloading says that a reload begins; Ready ends it. The time travels in the same datagram,
// which Type=notify-reload requires (systemd.service(5)).
func (n *Notifier) Reloading() error {
	return n.send("RELOADING", daemon.SdNotifyReloading+"\n"+daemon.SdNotifyMonotonicUsec())
}

// Stopping says that the daemon has begun to end.
func (n *Notifier) Stopping() error { return n.send("STOPPING", daemon.SdNotifyStopping) }

// Status sets the line that systemctl status shows. Control characters become spaces, and it is
// cut at maxStatus bytes. The same text as last time is not sent again.
func (n *Notifier) Status(text string) error {
	text = oneLine(text)
	if text == n.status {
		return n.settle()
	}
	n.status = text
	return n.send("STATUS", "STATUS="+text)
}

// Watchdog tells the service manager that the loop turns. Call it in every turn and nowhere else:
// a loop that hangs must stop the pings. It sends one when half the interval has passed since the
// last, and none when no watchdog is set. In between it delivers what is owed.
func (n *Notifier) Watchdog() error {
	now := n.now()
	if n.interval == 0 || !n.pinged.IsZero() && now.Sub(n.pinged) < n.interval/2 {
		return n.settle()
	}
	if err := n.out.ping(n.message("WATCHDOG", daemon.SdNotifyWatchdog)); err != nil {
		return notifyError(err)
	}
	n.pinged = now
	return nil
}

// WatchdogInterval returns after what silence the service manager kills the daemon; 0 is never. A
// turn of the loop must take less than half of it.
func (n *Notifier) WatchdogInterval() time.Duration { return n.interval }

func (n *Notifier) send(kind, state string) error {
	return notifyError(n.out.send(n.message(kind, state)))
}

// settle delivers what is owed.
func (n *Notifier) settle() error { return notifyError(n.out.flush()) }

func (n *Notifier) message(kind, state string) message {
	return message{kind: kind, deliver: func() error { return n.deliver(state) }}
}

func notifyError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("notify systemd: %w", err)
}

// maxStatus bounds the status line; a datagram to systemd may have 4096 bytes (NOTIFY_BUFFER_MAX
// of its manager.c).
const maxStatus = 512

// oneLine makes text safe inside a notification, where a line break would begin another variable
// and bytes that are not UTF-8 make systemd drop the line.
func oneLine(text string) string {
	text = strings.ToValidUTF8(text, "?")
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if len(text) > maxStatus {
		cut := maxStatus
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	return strings.TrimSpace(text)
}
