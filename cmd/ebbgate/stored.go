package main

import (
	"log/slog"

	"ebbgate/enforcer"
	"ebbgate/systemd"
)

// tableSocket is the name under which the service manager keeps the socket that owns our table.
const tableSocket = "ebbgate-table"

// openTable opens the table, by the socket that a run which crashed has left with the service manager,
// and leaves the socket there, so that the limits outlive this run should it crash. When the daemon
// stops, the table goes first, and then what was left. A service manager that does not take the socket
// keeps nobody from being protected.
func openTable(n *systemd.Notifier, log *slog.Logger, open *opened) (*enforcer.Table, error) {
	stored, err := systemd.TakeStored(tableSocket)
	if err != nil {
		log.Warn("no limits are taken over from an earlier run", "error", err)
	}
	table, err := enforcer.Resume(stored)
	if err != nil {
		return nil, err
	}
	open.add("stored socket", func() error { return n.Forget(tableSocket) })
	open.add("table", table.Close)
	if !table.Owned() {
		return table, nil
	}
	if stored >= 0 && table.FD() != stored {
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
