package main

import (
	"ebbgate/control"
	"ebbgate/daemon"
	"ebbgate/history"
	"ebbgate/internal/boottime"
)

// remember opens the history, if the policy wants one, and reads what an earlier run left. What is wrong
// with it is no reason not to start: it is a fault that the status shows. Without the boot's id the time that
// has passed is told by the wall clock, as after a reboot.
func remember(c *daemon.Config, open *opened, server *control.Server) {
	if c.Policy.History.Path == "" {
		return
	}
	boot, err := boottime.Boot()
	if err != nil {
		c.Log.Warn("history", "warning", err)
	}
	store, restored := history.Open(history.Config{Path: c.Policy.History.Path, Keep: c.Policy.History.Keep, Boot: boot, Wall: c.Wall})
	open.add("history", store.Close)
	c.Keeper, c.Restored, c.Boot = store, restored, boot
	server.Archive(store)
}
