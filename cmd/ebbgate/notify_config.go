package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"ebbgate/internal/notify"
)

// config turns flags into what notify works with, and reports all that is wrong with them.
func (o *notifyOptions) config(log *slog.Logger) (notify.Config, error) {
	selection, err := notify.Select(o.events, o.services)
	errs := []error{err}
	sender, err := o.sender()
	errs = append(errs, err)
	for _, d := range []struct {
		flag    string
		given   time.Duration
		atLeast time.Duration
	}{
		{"timeout", o.timeout, time.Second}, {"give-up-after", o.giveUp, 0}, {"unreachable-after", o.unreachable, time.Second},
		{"flap", o.flap, 0}, {"interval", o.interval, 0},
	} {
		if d.given < d.atLeast || d.given > 24*time.Hour {
			errs = append(errs, fmt.Errorf("--%s %s: must be %s to 24h", d.flag, d.given, d.atLeast))
		}
	}
	for _, n := range []struct {
		flag        string
		given, most int
	}{{"burst", o.burst, 100}, {"at-once", o.atOnce, 16}} {
		if n.given < 1 || n.given > n.most {
			errs = append(errs, fmt.Errorf("--%s %d: must be 1 to %d", n.flag, n.given, n.most))
		}
	}
	host, err := os.Hostname()
	errs = append(errs, err)
	if o.state == "" && os.Getenv("STATE_DIRECTORY") != "" {
		o.state = filepath.Join(os.Getenv("STATE_DIRECTORY"), "told.json")
	}
	return notify.Config{Sender: sender, Selection: selection, Host: host, Log: log, StatePath: o.state, FromStart: o.fromStart,
		UnreachableAfter: o.unreachable, Flap: o.flap, Burst: o.burst, Interval: o.interval, AtOnce: o.atOnce,
		Patience: o.giveUp}, errors.Join(errs...)
}

// sender makes the one that is asked for.
func (o *notifyOptions) sender() (notify.Sender, error) {
	format, err := notify.ParseFormat(o.format)
	if err != nil {
		return nil, fmt.Errorf("--format: %w", err)
	}
	asked := 0
	for _, given := range []bool{len(o.command) > 0, o.webhook != "", o.webhookKey != ""} {
		if given {
			asked++
		}
	}
	switch {
	case asked != 1:
		return nil, errors.New("whom to tell: must be one of -- COMMAND [ARG...], --webhook URL and --webhook-credential NAME; in the service, a drop-in says so (systemctl edit ebbgate-notify)")
	case len(o.command) > 0 && o.tokenKey != "":
		return nil, errors.New("--token-credential: is for a webhook; a command reads its own from $CREDENTIALS_DIRECTORY")
	case len(o.command) > 0:
		return notify.NewCommand(o.command, format, o.timeout)
	}
	w := notify.WebhookConfig{URL: o.webhook, Secret: o.webhookKey != "", Format: format, Timeout: o.timeout, Agent: "ebbgate/" + versionText()}
	if w.Secret {
		if w.URL, err = notify.ReadCredential(o.webhookKey); err != nil {
			return nil, err
		}
	}
	if o.tokenKey != "" {
		if w.Token, err = notify.ReadCredential(o.tokenKey); err != nil {
			return nil, err
		}
	}
	return notify.NewWebhook(w)
}
