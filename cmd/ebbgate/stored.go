package main

import (
	"log/slog"

	"ebbgate/enforcer"
	"ebbgate/systemd"
)

// tableSocket is the name under which the service manager keeps the socket that owns our table.
const tableSocket = "ebbgate-table"

// openTable opens the table, by the socket that an earlier run has left with the service manager (-1: none),
// and leaves the socket there, so that limits in force outlive a crash and a restart of the service. When
// it is stopped for good, the service manager closes the socket, and the table goes (P3). One that does
// not take the socket keeps nobody from being protected.
func openTable(stored int, n *systemd.Notifier, log *slog.Logger, open *opened) (*enforcer.Table, error) {
	table, err := enforcer.Resume(stored)
	if err != nil {
		return nil, err
	}
	open.add("table", table.Close)
	if !table.Owned() || table.FD() == stored {
		return table, nil // nothing to keep, or kept already: a second copy would find no room
	}
	if stored >= 0 {
		err = n.Forget(tableSocket) // what was there was of no use, and takes the place
	}
	if err == nil {
		err = n.Store(table.FD(), tableSocket)
	}
	if err != nil {
		log.Warn("limits will not outlive a crash of the daemon", "error", err)
	}
	return table, nil
}
