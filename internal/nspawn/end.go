package nspawn

import (
	"syscall"
	"testing"
)

// poweroff is SIGRTMIN+4, which asks a systemd that is PID 1 to switch the machine off (systemd(1)).
// SIGRTMIN is 34 to the C library, which keeps the first two for itself.
const poweroff = syscall.Signal(34 + 4)

// switchOff ends the machine as its power button would, and prints its journal if the test has failed.
// A machine that does not obey is an error, and is ended by remove.
func (m *Machine) switchOff(tb testing.TB) {
	tb.Helper()
	if m.leader == 0 {
		return
	}
	if tb.Failed() {
		tb.Logf("the machine's journal:\n%s", m.Try("journalctl", "--no-pager", "--boot", "--lines=500", "--output=short-precise").Stdout)
	}
	if err := syscall.Kill(m.leader, poweroff); err != nil {
		tb.Errorf("switch the machine off: %v", err)
		return
	}
	if err := m.place.group.emptied(bootTime); err != nil {
		tb.Errorf("switch the machine off: %v", err)
	}
}

// remove ends what is left of the machine, and removes its files.
func (m *Machine) remove() error {
	err := m.place.remove()
	if m.cmd != nil {
		<-m.ended
	}
	return err
}
