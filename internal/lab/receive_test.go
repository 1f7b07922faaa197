package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestReceiveThreads(t *testing.T) {
	l := newLab(t)
	threads, err := l.Victim.ReceiveThreads()
	if errors.Is(err, errNoReceiveThread) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(threads) < 2 {
		t.Fatalf("%d threads receive for two links: %v", len(threads), threads)
	}
	links := make(map[string]bool)
	for _, pid := range threads {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if err != nil {
			t.Fatal(err)
		}
		link, _, ok := strings.Cut(strings.TrimPrefix(string(name), "napi/"), "-")
		if !ok {
			t.Errorf("process %d is called %q, want a thread of NAPI", pid, name)
		}
		links[link] = true
	}
	if !links["clients"] || !links["attackers"] {
		t.Errorf("the threads receive for %v, want clients and attackers", links)
	}
	serves(t, l)
}

// serves checks that packets still flow.
func serves(t *testing.T, l *Lab) {
	t.Helper()
	must(StartServer(t.Context(), l.Victim, ServerConfig{Listen: []netip.AddrPort{v4(80)}, Capacity: 10}))(t)
	c, err := l.Clients.Dial(t.Context(), ClientRange().IPv4(1)[0], v4(80))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestNoSegmentation(t *testing.T) {
	l := newLab(t)
	if err := l.Clients.NoSegmentation(); err != nil {
		t.Fatal(err)
	}
	serves(t, l)
}

func TestQueueLinks(t *testing.T) {
	l := newLab(t)
	if _, err := l.Victim.ReceiveThreads(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Attackers.NoSegmentation(), l.Attackers.QueueLinks()); err != nil {
		t.Fatal(err)
	}
	err := l.Attackers.eachWire(func(link string) error {
		at, err := netlink.LinkByName(link)
		if err != nil {
			return err
		}
		queues, err := netlink.QdiscList(at)
		if err != nil {
			return err
		}
		if at.Attrs().TxQLen != queueLength || len(queues) != 1 || queues[0].Type() != "pfifo" {
			t.Errorf("link %s: queue of %d, %v", link, at.Attrs().TxQLen, queues)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	serves(t, l)
}

func TestSetLinkOfNoSuchLink(t *testing.T) {
	l := newLab(t)
	err := l.Victim.Do(func() error { return setLink("nowhere", unix.ETHTOOL_SGRO, 1) })
	if !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), `the link "nowhere"`) {
		t.Errorf("error %v, want no such device, naming it", err)
	}
	err = l.Victim.Do(func() error { return writeLinkFile("nowhere", "threaded", "1") })
	if !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "class/net/nowhere/threaded") {
		t.Errorf("error %v, want no such file, naming it", err)
	}
}

func TestReceiveThreadOfBadMessages(t *testing.T) {
	for name, m := range map[string][]byte{
		"empty":          nil,
		"header alone":   {netdevNAPIGet, 1, 0, 0},
		"cut attribute":  {netdevNAPIGet, 1, 0, 0, 8, 0, 4, 0, 1},
		"long attribute": {netdevNAPIGet, 1, 0, 0, 200, 0, 4, 0, 1, 0, 0, 0},
		"other width":    {netdevNAPIGet, 1, 0, 0, 5, 0, netdevNAPIPID, 0, 1, 0, 0, 0},
	} {
		if pid, err := receiveThread(m); err == nil {
			t.Errorf("%s: process %d, want an error", name, pid)
		}
	}
}
