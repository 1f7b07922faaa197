package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Dial opens a TCP connection from an address of the namespace, which may be any of its Range. It
// waits for the handshake as long as ctx allows.
func (n *Namespace) Dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	if err := checkPath([]netip.Addr{from}, to); err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	if err := n.enter(); err != nil {
		return nil, err
	}
	defer n.users.Done()
	c, err := n.dial(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("dial %s from %s: %w", to, from, err)
	}
	return c, nil
}

func (n *Namespace) dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error) {
	var fd int
	err := n.onResident(func() (err error) {
		fd, err = startConnect(from, to)
		return err
	})
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "connection to "+to.String())
	c, err := net.FileConn(f)
	f.Close()
	if err != nil {
		return nil, err
	}
	if err := awaitHandshake(ctx, c.(*net.TCPConn)); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// awaitHandshake waits until the kernel has an answer. The deadline is cleared afterwards.
func awaitHandshake(ctx context.Context, c *net.TCPConn) error {
	unhook := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var answer error
	waited := raw.Write(func(fd uintptr) bool {
		if !isReady(int(fd), unix.POLLOUT) {
			return false
		}
		answer = socketError(int(fd))
		return true
	})
	if !unhook() {
		return context.Cause(ctx)
	}
	if waited != nil {
		return waited
	}
	return answer
}
