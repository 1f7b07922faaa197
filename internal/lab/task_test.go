package lab

import (
	"context"
	"errors"
	"testing"
)

func TestTaskEnds(t *testing.T) {
	wrong := errors.New("wrong")
	for _, c := range []struct {
		name string
		end  func(cancel func(), l *Lab, k *task)
	}{
		{"with its context", func(cancel func(), _ *Lab, _ *task) { cancel() }},
		{"with Stop", func(_ func(), _ *Lab, k *task) { _ = k.stop() }},
		{"with the laboratory", func(_ func(), l *Lab, _ *task) { _ = l.Close() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			k := must(l.Victim.startTask(ctx, func(ctx context.Context) error {
				<-ctx.Done()
				return wrong
			}))(t)
			c.end(cancel, l, k)
			<-k.done
			for range 2 {
				if err := k.stop(); err != wrong {
					t.Errorf("stop returned %v", err)
				}
			}
		})
	}
}

func TestTaskThatFailedByItself(t *testing.T) {
	l := newLab(t)
	wrong := errors.New("wrong")
	k := must(l.Victim.startTask(t.Context(), func(context.Context) error { return wrong }))(t)
	<-k.done
	if err := k.stop(); err != wrong {
		t.Errorf("got %v", err)
	}
}

func TestNothingStartsInAClosedLaboratory(t *testing.T) {
	l := newLab(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, start := range map[string]func() error{
		"Do":             func() error { return l.Victim.Do(func() error { return nil }) },
		"Start":          func() error { return l.Victim.Start(helper("block")) },
		"Sysctl":         func() error { _, err := l.Victim.Sysctl("net.ipv4.tcp_syncookies"); return err },
		"SetSysctl":      func() error { return l.Victim.SetSysctl("net.ipv4.tcp_syncookies", "0") },
		"ConntrackCount": func() error { _, err := l.Victim.ConntrackCount(); return err },
		"Dial":           func() error { _, err := l.Clients.Dial(ctx, ClientV4(), v4(80)); return err },
		"StartClients": func() error {
			_, err := StartClients(ctx, l.Clients, ClientsConfig{Target: v4(80), Sources: ClientRange().IPv4(1), Rate: 1})
			return err
		},
		"StartHoard": func() error {
			_, err := StartHoard(ctx, l.Attackers, HoardConfig{Target: v4(80), Sources: AttackRange().IPv4(1), Total: 1})
			return err
		},
		"StartSpoof": func() error {
			_, err := StartSpoof(ctx, l.Attackers, SpoofConfig{Target: v4(80), Sources: SpoofRange().IPv4(1), Rate: 1})
			return err
		},
		"WatchTable":    func() error { _, err := WatchTable(ctx, l.Victim, "ebbgate", 0); return err },
		"StartOutgoing": func() error { _, err := StartOutgoing(ctx, l, 1); return err },
	} {
		if err := start(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if taken := l.Victim.files.taken; taken != 0 {
		t.Errorf("%d descriptors stay promised", taken)
	}
}
