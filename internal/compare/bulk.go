package compare

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/demo"
	"ebbgate/internal/lab"
)

// sink is a server that takes what it is sent and throws it away.
type sink struct {
	listener net.Listener
	taken    atomic.Uint64 // bytes
}

// startSink listens on the service's port, for floods of SYNs as well.
func startSink(victim *lab.Namespace) (*sink, error) {
	s := &sink{}
	err := victim.Do(func() (err error) {
		s.listener, err = net.ListenTCP("tcp", &net.TCPAddr{Port: demo.ServicePort})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("start the sink: %w", err)
	}
	go s.accept()
	return s, nil
}

func (s *sink) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		go func() {
			defer c.Close()
			buffer := make([]byte, 256<<10)
			for {
				n, err := c.Read(buffer)
				s.taken.Add(uint64(n))
				if err != nil {
					return // the sender is done
				}
			}
		}()
	}
}

func (s *sink) close() error { return s.listener.Close() }

// dialTimeout bounds a handshake behind a flood that has just ended.
const dialTimeout = 10 * time.Second

// transfer sends as fast as it goes from a client's address for a time, and returns the bytes that
// arrived for each second of this process's CPU time: sender, packets and receiver together.
func (s *sink) transfer(ctx context.Context, clients *lab.Namespace, length time.Duration) (float64, error) {
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	to := netip.AddrPortFrom(lab.VictimV4(), demo.ServicePort)
	c, err := clients.Dial(dialing, lab.ClientRange().IPv4(1)[0], to)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	buffer := make([]byte, 256<<10)
	// The first tenth is the connection's growing up.
	if err := send(c, buffer, length/10); err != nil {
		return 0, err
	}
	began, err := processTime()
	if err != nil {
		return 0, err
	}
	before := s.taken.Load()
	if err := send(c, buffer, length); err != nil {
		return 0, err
	}
	bytes := s.taken.Load() - before
	ended, err := processTime()
	return float64(bytes) / (ended - began).Seconds(), errors.Join(err, ctx.Err())
}

// processTime returns the CPU time of this process.
func processTime() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return time.Duration(t.Nano()), nil
}

// send writes for a time.
func send(c net.Conn, buffer []byte, length time.Duration) error {
	if err := c.SetWriteDeadline(time.Now().Add(length)); err != nil {
		return err
	}
	for {
		if _, err := c.Write(buffer); errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		} else if err != nil {
			return fmt.Errorf("send to the sink: %w", err)
		}
	}
}
