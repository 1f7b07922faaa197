package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/policy"
)

// answering is a daemon without a kernel: it serves what a test publishes, and carries orders out.
type answering struct {
	*control.Server
	socket *control.Socket
	path   string
	reload *control.Reload // what becomes of one
}

// answer starts one that ends with the test. Only root may act, so nobody else can run such a test.
func answer(t *testing.T) *answering {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("not permitted: run it as root")
		}
		t.Skip("not permitted: only root may act")
	}
	dir, err := os.MkdirTemp("", "ebb") // t.TempDir is too long for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	socket, err := control.Listen(filepath.Join(dir, "s"), "")
	if err != nil {
		t.Fatal(err)
	}
	a := &answering{Server: control.NewServer(socket, slog.New(slog.DiscardHandler)), socket: socket, path: socket.Path(),
		reload: control.NewReload(control.Time{}, "/etc/ebbgate/config.toml", 2, []string{"service \"web\": has no limit"}, nil)}
	ctx, cancel := context.WithCancel(context.Background())
	served, turned := make(chan error, 1), make(chan struct{})
	go func() { served <- a.Run(ctx) }()
	go func() {
		defer close(turned)
		a.turn(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-turned
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return a
}

// turn carries orders out.
func (a *answering) turn(ctx context.Context) {
	p := &policy.Policy{Observe: policy.Observe{MaxSources: 10, IPv6Source: 64}, Limits: policy.Limits{MaxBlocks: 10},
		Services: []policy.Service{{Name: "web", Mode: policy.Enforce, Response: policy.Response{BlockFor: []time.Duration{time.Hour}}}}}
	var state policy.State
	var decision policy.Decision
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-a.Orders():
			if !o.Take() {
				continue
			}
			command, ok := o.Task.(control.Command)
			if !ok {
				o.Done(a.reload)
				continue
			}
			if err := command.Check(p, &decision); err != nil {
				o.Refuse(err)
				continue
			}
			before := decision
			state, decision = policy.Step(p, state, policy.Observation{At: 1, Orders: []policy.Order{command.Input(1)}})
			done, err := command.Outcome(p, &before, &decision, control.Calendar{Now: 1, Wall: time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC)})
			if err != nil {
				o.Refuse(err)
				continue
			}
			o.Done(done)
		}
	}
}

// run runs a command against it.
func (a *answering) run(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = execute(append(args, "--socket", a.path), &out, &errs)
	return status, out.String(), errs.String()
}

func TestExemptCommands(t *testing.T) {
	a := answer(t)
	for _, tt := range []struct {
		line   string
		status int
		says   string // part of stdout, or of stderr where the status is not 0
	}{
		{"unexempt 203.0.113.7", 1, "203.0.113.7 has no exemption from every service that was given by hand"},
		{"exempt 203.0.113.7", 0, "203.0.113.7 is exempt from every service for 1d00h, until 2026-03-15 03:00:00 UTC\n"},
		{"exempt 203.0.113.7 --for 2d", 0, "for 2d00h, until 2026-03-16 03:00:00 UTC; it replaces the\n  one before\n"},
		{"exempt 203.0.113.7 --service shop", 1, `there is no service "shop"; the policy has "web"`},
		{"unexempt 203.0.113.7 --service web", 1, "there is one of 203.0.113.7 from every service"},
		{"unexempt ::ffff:203.0.113.7", 0, "the exemption of 203.0.113.7 from every service has ended\n"},
		{"exempt 2001:db8::/32 --for 90m --service web --reason office", 0, `2001:db8::/32 is exempt from service "web" for 1h30m`},
	} {
		status, out, errs := a.run(strings.Fields(tt.line)...)
		text, silent := out, errs
		if tt.status != 0 {
			text, silent = errs, out
		}
		if status != tt.status || !strings.Contains(text, tt.says) || silent != "" {
			t.Errorf("%s: status %d, %q, %q; want %d with %q", tt.line, status, out, errs, tt.status, tt.says)
		}
	}
	status, out, _ := a.run("unexempt", "2001:db8::/32", "--service", "web", "--json")
	var x control.Exempted
	if err := json.Unmarshal([]byte(out), &x); err != nil || status != 0 || x.Exempt.Reason != "office" || x.Exempt.Service != "web" {
		t.Errorf("status %d, %s (%v)", status, out, err)
	}
}

func TestExplainCommand(t *testing.T) {
	a := answer(t)
	if status, _, errs := a.run("explain", "203.0.113.7"); status != 1 || !strings.Contains(errs, "is starting") {
		t.Errorf("before anything is published: status %d, %s", status, errs)
	}
	a.PublishExplain(func(addr netip.Addr) *control.Explanation {
		return &control.Explanation{Address: addr, Services: []control.ServiceExplanation{{Service: "web", Source: netip.PrefixFrom(addr, addr.BitLen())}}}
	})
	if status, out, _ := a.run("explain", "::ffff:203.0.113.7"); status != 0 || !strings.HasPrefix(out, "203.0.113.7  as of") || !strings.Contains(out, "web  shadow  free") {
		t.Errorf("status %d, %s", status, out)
	}
	status, out, _ := a.run("explain", "203.0.113.7", "--json")
	var e control.Explanation
	if err := json.Unmarshal([]byte(out), &e); err != nil || status != 0 || e.Address.String() != "203.0.113.7" || len(e.Services) != 1 {
		t.Errorf("status %d, %s (%v)", status, out, err)
	}
}

func TestAttacksCommand(t *testing.T) {
	a := answer(t)
	began := control.TimeOf(time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC))
	a.PublishAttacks(func() *control.Attacks {
		return &control.Attacks{At: began, Attacks: []control.Attack{{ID: "3", Service: "web", Kind: policy.Churn, Since: began}}}
	})
	for _, tt := range []struct {
		line   string
		status int
		says   string
	}{
		{"attacks", 0, " 3  churn  web"},
		{"attacks 03", 0, "churn 3 on web  shadow  OPEN for"},
		{"attacks 4", 1, "there is no attack 4"},
	} {
		status, out, errs := a.run(strings.Fields(tt.line)...)
		if status != tt.status || !strings.Contains(out+errs, tt.says) {
			t.Errorf("%s: status %d, %q, %q; want %d with %q", tt.line, status, out, errs, tt.status, tt.says)
		}
	}
	for _, line := range []string{"attacks --json", "attacks 3 --json"} {
		status, out, _ := a.run(strings.Fields(line)...)
		var object map[string]any
		if err := json.Unmarshal([]byte(out), &object); err != nil || status != 0 || object["attacks"] == nil && object["id"] != "3" {
			t.Errorf("%s: status %d, %s (%v)", line, status, out, err)
		}
	}
}

// TestStatusOfAStalledLoop reads a picture that is years old.
func TestStatusOfAStalledLoop(t *testing.T) {
	a := answer(t)
	a.Publish(&control.Status{At: control.TimeOf(time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC))})
	if status, out, _ := a.run("status"); status != 0 || !strings.Contains(out, "loop stands still") {
		t.Errorf("status %d, %s", status, out)
	}
}
