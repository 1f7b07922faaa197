// Package notify tells somebody of what the daemon's event stream says, by a command or a webhook. It
// is the whole of `ebbgate notify`, a process of its own without privilege: the daemon executes nothing.
//
// Events go one way:
//
//	daemon ──reader──> selection ──> flapping ──> queue ──> rate and digest ──> Sender, with retries
//
// One goroutine, that of Run, owns everything between reader and Sender; those parts are pure and are
// given the time. Each has a bound: 256 notifications wait, of which the oldest of the least importance
// goes first; 1,024 events are remembered as told or not; 1,024 subjects are watched for flapping, and
// others pass.
//
// What was told is remembered by the events' ids (State), so that a restart of either side neither
// loses nor repeats one, but for what was under way when the process was killed: that is told again.
//
// The package may read the control socket, its state file and credentials, run the operator's command
// and speak to the operator's webhook. It may not touch the kernel's edges or change what the daemon
// does.
package notify
