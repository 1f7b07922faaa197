package main

import (
	"errors"
	"log/slog"

	"ebbgate/enforcer"
	"ebbgate/systemd"
)

// tableSocket is the name under which the service manager keeps the socket that owns our table.
const tableSocket = "ebbgate-table"

// takeStored returns the socket that an earlier run has left with the service manager (-1: none), and
// takes it out of store: it is this process's alone until storing leaves it there again. A daemon that
// cannot start, however it ends and however often it is tried again, so leaves no table behind: once
// nobody renews leases, it would only be in the way (P2).
func takeStored(n *systemd.Notifier, log *slog.Logger) int {
	stored, err := systemd.TakeStored(tableSocket)
	if err != nil {
		log.Warn("no limits are taken over from an earlier run", "error", err)
	}
	if stored >= 0 {
		if err := n.Forget(tableSocket); err != nil {
			log.Warn("the table of an earlier run stays until the service is stopped, if the daemon cannot start", "error", err)
		}
	}
	return stored
}

// storing leaves the table's socket with the service manager when the daemon is ready for the first time,
// so that limits in force outlive a crash and a restart of the service. When it is stopped for good, the
// service manager closes the socket, and the table goes (P3). One that does not take the socket keeps
// nobody from being protected. It belongs to the daemon's loop.
type storing struct {
	*systemd.Notifier
	table  *enforcer.Table
	log    *slog.Logger
	stored bool // or not to be
}

// Ready stores the socket before it says that the daemon is ready, so that whoever waited for that may
// rely on it.
func (s *storing) Ready() error {
	if !s.stored {
		s.stored = true
		s.store()
	}
	return s.Notifier.Ready()
}

func (s *storing) store() {
	if !s.table.Owned() {
		return // the table would outlive us without it
	}
	// What is stuck is still to come, and Ready reports it.
	if err := s.Store(s.table.FD(), tableSocket); err != nil && !errors.Is(err, systemd.ErrStuck) {
		s.log.Warn("limits will not outlive a crash of the daemon", "error", err)
	}
}
