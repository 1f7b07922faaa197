package lab

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestDialErrors(t *testing.T) {
	l := newLab(t)
	source := ClientRange().IPv4(1)[0]
	if _, err := l.Clients.Dial(t.Context(), source, v4(81)); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("closed port: %v", err)
	}
	if _, err := l.Clients.Dial(t.Context(), source, v6(81)); err == nil || !strings.Contains(err.Error(), "families") {
		t.Errorf("mixed families: %v", err)
	}
	late, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := l.Clients.Dial(late, source, silent()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silent target: %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := l.Clients.Dial(ended, source, silent()); !errors.Is(err, context.Canceled) {
		t.Errorf("context that has ended: %v", err)
	}
}

func TestDialedConnectionOutlivesItsContext(t *testing.T) {
	l := newLab(t)
	must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v6(80)}, Capacity: 2}))(t)
	ctx, cancel := context.WithCancel(t.Context())
	source := AttackRange().OneSubnet(1)[0]
	c := must(l.Attackers.Dial(ctx, source, v6(80)))(t)
	defer c.Close()
	cancel()
	if code, _, err := get(c, "GET"); code != 200 || err != nil {
		t.Errorf("%d, %v", code, err)
	}
	if got := c.LocalAddr().String(); !strings.HasPrefix(got, "["+source.String()+"]:") {
		t.Errorf("it comes from %s, want %s", got, source)
	}
	if got := c.RemoteAddr(); got == nil || got.String() != v6(80).String() {
		t.Errorf("it leads to %v", got)
	}
}

func TestDialLeavesNoDescriptor(t *testing.T) {
	l := newLab(t)
	must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: 2}))(t)
	checkLeaks(t, func() {
		for range 5 {
			must(l.Clients.Dial(t.Context(), ClientV4(), v4(80)))(t).Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			if _, err := l.Clients.Dial(ctx, ClientV4(), silent()); err == nil {
				t.Error("the silent target answered")
			}
			cancel()
		}
	})
}
