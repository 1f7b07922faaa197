package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// blastFrames is how many different frames a Blast sends in turn: more than enough for the sources
// of a spoofed flood to be 60,000, and a few megabytes of memory.
const blastFrames = 1 << 16

// Blast sends forged SYNs as fast as one thread can. The frames are made once, so that sending them
// costs little beside what the kernel does with them. As the victim receives on the sender's time
// (unless it has ReceiveThreads), the rate tells what a packet costs both together.
type Blast struct {
	spoof   Spoof
	batches []*batch
}

// NewBlast prepares a Blast from n, which must be the attackers' or the clients' namespace. It needs
// CAP_NET_RAW. target and sources are as in SpoofConfig.
func NewBlast(n *Namespace, target netip.AddrPort, sources []netip.Addr) (*Blast, error) {
	b := &Blast{spoof: Spoof{config: SpoofConfig{Target: target, Sources: sources, Rate: mostSpoofRate}}}
	err := b.spoof.config.check()
	if err == nil {
		err = n.Do(b.spoof.open)
	}
	if err != nil {
		return nil, fmt.Errorf("prepare a blast of SYNs: %w", err)
	}
	// The link's queue would cost the sender only.
	if err := unix.SetsockoptInt(b.spoof.fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare a blast of SYNs: set PACKET_QDISC_BYPASS: %w", err), b.Close())
	}
	b.fill(rand.New(rand.NewPCG(1, 2)))
	return b, nil
}

// fill makes the frames. Each source comes about as often as any other.
func (b *Blast) fill(random *rand.Rand) {
	sources := b.spoof.config.Sources
	order := random.Perm(len(sources))
	for i := range blastFrames {
		if i%batchSize == 0 {
			b.batches = append(b.batches, newBatch(b.spoof.frame.size()))
		}
		port := uint16(1024 + random.IntN(1<<16-1024))
		frame := b.batches[i/batchSize].frame(i % batchSize)
		b.spoof.frame.write(frame, sources[order[i%len(order)]], port, random.Uint32())
	}
}

// Run sends for a time and returns how many packets were sent, and the CPU time that took: of the
// sending thread, on which the victim receives as well. It is the same however busy the machine is.
func (b *Blast) Run(ctx context.Context, length time.Duration) (sent uint64, took time.Duration, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := threadTime()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	for i := 0; time.Since(began) < length; i++ {
		if err := ctx.Err(); err != nil {
			return sent, 0, err
		}
		n, err := b.batches[i%len(b.batches)].send(b.spoof.fd, batchSize)
		sent += uint64(n)
		if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.ENOBUFS) {
			return sent, 0, fmt.Errorf("send SYNs: %w", err)
		}
	}
	after, err := threadTime()
	return sent, after - before, err
}

// threadTime returns the CPU time of the calling thread.
func threadTime() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return time.Duration(t.Nano()), nil
}

// Close closes the socket.
func (b *Blast) Close() error { return os.NewSyscallError("close", unix.Close(b.spoof.fd)) }
