package control

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ebbgate/policy"
)

// TestDaemonThatHangs asks one that takes connections and answers nothing: whoever asks is told that it cannot
// be reached, and after an order that it may still be carried out.
func TestDaemonThatHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	l, err := net.Listen("unix", path) // the kernel takes connections for it
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client := Dial(path)
	defer client.Close()
	for name, ask := range map[string]func(context.Context) error{
		"status": func(ctx context.Context) error { _, err := client.Status(ctx); return err },
		"block": func(ctx context.Context) error {
			_, err := client.Block(ctx, BlockRequest{Prefix: "192.0.2.1"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			err := ask(ctx)
			if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "does not answer") {
				t.Errorf("error %v", err)
			}
			if order := name == "block"; order != strings.Contains(err.Error(), "may be carried out later") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestWordsFollowTheModeNow tells of an attack whose service has another mode than when it began.
func TestWordsFollowTheModeNow(t *testing.T) {
	began := TimeOf(time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC))
	a := Attack{Kind: policy.ConnectionFlood, PeakSources: 9, Excess: 20, Since: began, FirstRule: began}
	for mode, want := range map[policy.Mode]string{policy.Shadow: "shadow mode only watches; else ebbgate would be ", policy.Enforce: "ebbgate is "} {
		for _, then := range []policy.Mode{policy.Shadow, policy.Enforce} {
			a.Mode = then
			if got := response(&Status{}, &Service{Mode: mode}, &a); !strings.HasPrefix(got, want) {
				t.Errorf("began in %s mode, now %s: %q", then, mode, got)
			}
		}
	}
}
