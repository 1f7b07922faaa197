package nstest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ebbgate/internal/lab"
)

// talkTime bounds anything a client waits for.
const talkTime = 60 * time.Second

// Echo serves connections in a namespace until the end of the test: whatever comes in is sent back.
func Echo(tb testing.TB, n *lab.Namespace, at string) {
	tb.Helper()
	var l net.Listener
	if err := n.Do(func() (err error) {
		l, err = net.Listen("tcp", at)
		return err
	}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c) // the client notices what goes wrong
				_ = c.Close()
			}()
		}
	}()
}

// Talk is a client's connection to an Echo.
type Talk struct {
	net.Conn
	back atomic.Int64
}

// StartTalk connects from an address of a namespace.
func StartTalk(ctx context.Context, n *lab.Namespace, from netip.Addr, to netip.AddrPort) (*Talk, error) {
	ctx, cancel := context.WithTimeout(ctx, talkTime)
	defer cancel()
	c, err := n.Dial(ctx, from, to)
	if err != nil {
		return nil, err
	}
	return &Talk{Conn: c}, nil
}

// Say sends a word and waits until it has come back.
func (t *Talk) Say(word string) error {
	if err := t.SetDeadline(time.Now().Add(talkTime)); err != nil {
		return err
	}
	if _, err := io.WriteString(t, word); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	back := make([]byte, len(word))
	if _, err := io.ReadFull(t, back); err != nil {
		return fmt.Errorf("wait for the echo: %w", err)
	}
	if string(back) != word {
		return fmt.Errorf("%q came back for %q", back, word)
	}
	return nil
}

// Exchange sends so many random bytes while it takes them back, and compares their hashes.
func (t *Talk) Exchange(size int64) error {
	if err := t.SetDeadline(time.Now().Add(talkTime)); err != nil {
		return err
	}
	t.back.Store(0)
	sent, back := sha256.New(), sha256.New()
	result := make(chan error, 1)
	go func() {
		random := rand.NewChaCha8([32]byte{1})
		_, err := io.CopyN(io.MultiWriter(t.Conn, sent), random, size)
		result <- err
	}()
	for t.back.Load() < size {
		n, err := io.CopyN(back, t.Conn, min(size-t.back.Load(), 1<<16))
		t.back.Add(n)
		if err != nil {
			return fmt.Errorf("after %d bytes came back: %w", t.back.Load(), err)
		}
	}
	if err := <-result; err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if [32]byte(sent.Sum(nil)) != [32]byte(back.Sum(nil)) {
		return errors.New("other bytes came back than were sent")
	}
	return nil
}

// Back is how much of the newest Exchange has come back so far.
func (t *Talk) Back() int64 { return t.back.Load() }

// Negotiated is what the two ends of a connection agreed on, as TCP_INFO of tcp(7) tells it.
type Negotiated struct {
	Timestamps, SACK, Scaling bool
	SendScale, ReceiveScale   int
	Segment                   int // the largest segment this end sends, in bytes
}

// Negotiated asks the kernel.
func (t *Talk) Negotiated() (Negotiated, error) {
	raw, err := t.Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return Negotiated{}, err
	}
	var info [104]byte // struct tcp_info of linux/tcp.h, up to tcpi_advmss and beyond
	size := uint32(len(info))
	var errno unix.Errno
	if err := raw.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.IPPROTO_TCP, unix.TCP_INFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	}); err != nil || errno != 0 {
		return Negotiated{}, fmt.Errorf("read TCP_INFO: %w", errors.Join(err, errno))
	}
	const options, scales, segment = 5, 6, 16 // tcpi_options, tcpi_snd_wscale and tcpi_rcv_wscale, tcpi_snd_mss
	return Negotiated{Timestamps: info[options]&1 != 0, SACK: info[options]&2 != 0, Scaling: info[options]&4 != 0,
		SendScale: int(info[scales] & 15), ReceiveScale: int(info[scales] >> 4),
		Segment: int(*(*uint32)(unsafe.Pointer(&info[segment])))}, nil
}
