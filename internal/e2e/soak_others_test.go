package e2e

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// disturb does to the daemon what operators and other programs do, one thing after the other, until the
// time is over.
func (k *soak) disturb() {
	k.t.Helper()
	things := []struct {
		name string
		do   func()
	}{
		{"good reload", func() { k.reload(k.policy(60+k.random.IntN(60)), true) }},
		{"bad reload", func() { k.reload(strings.Replace(k.policy(perSource), "quiet = \"2s\"", "quiet = \"soon\"", 1), false) }},
		{"flush ruleset", func() { k.nft("flush ruleset\n") }},
		{"another's table", func() { k.nft(firewall); k.nft("delete table inet fw\n") }},
		{"orders", k.orders},
		{"questions", k.questions},
		{"clients that never read", k.neverRead},
	}
	if k.restarts {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			things = append(things, struct {
				name string
				do   func()
			}{"restart after " + sig.String(), func() { k.restart(sig) }})
		}
	}
	for time.Since(k.begun) < k.length {
		thing := things[k.random.IntN(len(things))]
		thing.do()
		k.count(thing.name)
		time.Sleep(time.Duration(500+k.random.IntN(2000)) * time.Millisecond)
	}
}

// asking bounds what is asked of the daemon by the test's own goroutine.
func (k *soak) asking(f func(context.Context) error) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), 20*time.Second)
	defer cancel()
	var refused *control.Error
	// What an order was about may have ended by itself.
	if err := f(ctx); err != nil && !errors.As(err, &refused) {
		k.t.Error(err)
	}
}

func (k *soak) reload(policy string, good bool) {
	k.t.Helper()
	k.write(policy)
	k.asking(func(ctx context.Context) error {
		r, err := k.d.client.Reload(ctx)
		if err == nil && r.InForce != good {
			k.t.Errorf("reload %+v, in force should be %t", r, good)
		}
		return err
	})
	if !good {
		k.write(k.policy(perSource)) // so that a restart finds a good one
	}
}

// orders blocks and frees an attacker by hand, and exempts one for a moment.
func (k *soak) orders() {
	k.t.Helper()
	addr := window(k.random, lab.AttackRange().IPv4(60_000), 1)[0].String()
	k.asking(func(ctx context.Context) error {
		_, err := k.d.client.Block(ctx, control.BlockRequest{Prefix: addr, For: control.Duration(time.Minute), Reason: "soak"})
		return err
	})
	k.asking(func(ctx context.Context) error {
		_, err := k.d.client.Unblock(ctx, control.UnblockRequest{Prefix: addr})
		return err
	})
	k.asking(func(ctx context.Context) error {
		_, err := k.d.client.Exempt(ctx, control.ExemptRequest{Prefix: addr, For: control.Duration(time.Minute), Reason: "soak"})
		return err
	})
	k.asking(func(ctx context.Context) error {
		_, err := k.d.client.Unexempt(ctx, control.UnexemptRequest{Prefix: addr})
		return err
	})
}

// questions asks everything there is to be asked.
func (k *soak) questions() {
	k.t.Helper()
	client := k.d.client
	k.asking(func(ctx context.Context) error { _, err := client.Attacks(ctx); return err })
	k.asking(func(ctx context.Context) error { _, err := client.Ruleset(ctx); return err })
	k.asking(func(ctx context.Context) error { _, err := client.Sources(ctx, control.SourcesRequest{}); return err })
	k.asking(func(ctx context.Context) error {
		_, err := client.Explain(ctx, lab.AttackRange().IPv4(1)[0])
		return err
	})
	k.asking(func(ctx context.Context) error {
		all, err := client.Attacks(ctx)
		if err != nil || len(all.Attacks) == 0 {
			return err
		}
		_, err = client.Samples(ctx, all.Attacks[0].ID)
		return err
	})
}

// neverRead opens connections to the daemon, asks, reads nothing and goes away.
func (k *soak) neverRead() {
	k.t.Helper()
	for range 20 {
		conn, err := net.Dial("unix", k.socket())
		if err != nil {
			k.t.Error(err)
			return
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("GET /v1/ruleset HTTP/1.1\r\nHost: ebbgate\r\n\r\n")); err != nil {
			k.t.Error(err)
		}
	}
}

// ask asks for the status again and again. While the daemon is restarted nobody answers.
func (k *soak) ask(every time.Duration, over <-chan struct{}) {
	client := control.Dial(k.socket())
	defer client.Close()
	for !pause(every, over) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		status, err := client.Status(ctx)
		cancel()
		if err != nil {
			if !k.restarts {
				k.note("ask for the status: %v", err)
			}
			continue
		}
		shop := status.Services[0]
		for _, l := range shop.Limits {
			k.blame(l.Source)
		}
		for _, b := range shop.Blocks {
			k.blame(b.Source)
		}
	}
}

// follow reads the event stream.
func (k *soak) follow(over <-chan struct{}) {
	client := control.Dial(k.socket())
	defer client.Close()
	var after uint64
	for !pause(50*time.Millisecond, over) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		events, err := client.Events(ctx, after, time.Second)
		cancel()
		if err != nil {
			if !k.restarts {
				k.note("follow events: %v", err)
			}
			continue
		}
		after = events.Next
		k.mu.Lock()
		k.heard += len(events.Events)
		k.mu.Unlock()
		for _, e := range events.Events {
			k.blame(e.Source)
		}
	}
}

// blame counts what the daemon tells of a source of which there is nothing to tell.
func (k *soak) blame(source netip.Prefix) {
	if !innocentSource(source) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.blamed[source.Addr()]++
}
