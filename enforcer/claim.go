package enforcer

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// claimName is the abstract socket (unix(7)) by which daemons of one network namespace find each
// other. In peace there is no table that could be held, and control sockets may differ. Abstract
// names belong to the namespace and vanish with their socket, so nothing can be left behind.
const claimName = "@ebbgate/inet-table"

// claimTimeout bounds the question to whoever holds the claim; the kernel answers it.
const claimTimeout = time.Second

// claimPause is the least time between two who ask: any user may, and as often as he likes.
const claimPause = time.Millisecond

// claim takes the namespace for this process. It returns the listener that holds the claim until
// it is closed, or ErrTableHeld if another daemon has it.
//
// Any user may bind the name. What is held by somebody who is neither root nor us is no daemon of
// this host, and must not keep one from starting: then there is no claim, and nil.
func claim() (*net.UnixListener, error) {
	addr := &net.UnixAddr{Name: claimName, Net: "unix"}
	l, err := net.ListenUnix("unix", addr)
	if err == nil {
		go welcome(l)
		return l, nil
	}
	if !errors.Is(err, unix.EADDRINUSE) {
		return nil, fmt.Errorf("claim the network namespace: %w", err)
	}
	holder, err := claimant(addr)
	if err != nil || holder.Uid != 0 && int(holder.Uid) != os.Geteuid() {
		return nil, nil
	}
	return nil, fmt.Errorf("%w: another ebbgate runs in this network namespace, pid %d; stop it first", ErrTableHeld, holder.Pid)
}

// welcome takes connections in and closes them, until the listener is closed. They come only to
// ask the kernel who we are; a queue full of them would keep it from answering. Where somebody asks without end the
// queue is full, and another daemon finds out by the table's owner instead.
func welcome(l *net.UnixListener) {
	for {
		c, err := l.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			_ = c.Close() // it served its purpose
		}
		time.Sleep(claimPause)
	}
}

// claimant asks the kernel who holds the claim (SO_PEERCRED).
func claimant(addr *net.UnixAddr) (*unix.Ucred, error) {
	d := net.Dialer{Timeout: claimTimeout}
	c, err := d.Dial(addr.Net, addr.Name)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	var holder *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		holder, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	return holder, errors.Join(err, credErr)
}
