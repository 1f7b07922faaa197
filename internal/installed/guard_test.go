package installed

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ebbgate/internal/lab"
)

// guardEvery is the time between two looks of a guard.
const guardEvery = 50 * time.Millisecond

// guard looks at the sockets of the shop again and again, and remembers the most it saw any attacker hold.
// What somebody holds only between two looks it does not see.
type guard struct {
	mu   sync.Mutex
	from time.Time // when it began to count
	most int
	who  netip.Addr
	now  map[netip.Addr]int // at the last look
	err  error              // why the last look failed: one that fails among others is like a pause between two
	end  chan struct{}
	done chan struct{}
}

// watchShop starts a guard, which ends with the test.
func watchShop(t *testing.T, victim *lab.Namespace) *guard {
	g := &guard{from: time.Now(), end: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(g.done)
		ticker := time.NewTicker(guardEvery)
		defer ticker.Stop()
		for {
			g.look(victim)
			select {
			case <-g.end:
				return
			case <-ticker.C:
			}
		}
	}()
	t.Cleanup(func() { close(g.end); <-g.done })
	return g
}

// look counts once what each attacker holds.
func (g *guard) look(victim *lab.Namespace) {
	now := make(map[netip.Addr]int)
	err := victim.Do(func() error {
		sockets, err := netlink.SocketDiagTCP(unix.AF_INET)
		for _, s := range sockets {
			from, _ := netip.AddrFromSlice(s.ID.Destination.To4())
			if s.ID.SourcePort == port && s.State == netlink.TCP_ESTABLISHED && lab.AttackRange().V4.Contains(from) {
				now[from]++
			}
		}
		return err
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err = err; err != nil {
		return
	}
	g.now = now
	for from, n := range now {
		if n > g.most {
			g.most, g.who = n, from
		}
	}
}

// holds is a condition: every attacker holds as many connections as he may, and none more.
func (g *guard) holds(limit int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return fmt.Errorf("look at the sockets: %w", g.err)
	}
	if len(g.now) != attackers {
		return fmt.Errorf("%d attackers hold connections", len(g.now))
	}
	for from, n := range g.now {
		if n != limit {
			return fmt.Errorf("%s holds %d connections", from, n)
		}
	}
	return nil
}

// exceeds is a condition: every attacker holds more connections than he might if he were limited.
func (g *guard) exceeds(limit int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range lab.AttackRange().IPv4(attackers) {
		if n := g.now[a]; n <= limit {
			return fmt.Errorf("%s holds %d connections", a, n)
		}
	}
	return nil
}

// since returns when the count began.
func (g *guard) since() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.from
}

// forget begins the count anew.
func (g *guard) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.from, g.most, g.who = time.Now(), 0, netip.Addr{}
}

// check fails the test if any attacker was seen to hold more than he may since the last forget.
func (g *guard) check(t *testing.T, limit int) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		t.Errorf("look at the sockets: %v", g.err)
	}
	if g.most > limit || g.most == 0 {
		t.Errorf("%s held %d connections at a time, %d are allowed", g.who, g.most, limit)
	}
}
