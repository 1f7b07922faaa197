package e2e

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/fault"
)

// errnos are what each part of the kernel is made to answer, with a word of what is then said.
var errnos = []struct {
	name  string
	errno unix.Errno
	word  string
}{
	{"ENOBUFS", unix.ENOBUFS, "no buffer space available"},
	{"EINTR", unix.EINTR, "interrupted system call"},
	{"EAGAIN", unix.EAGAIN, "resource temporarily unavailable"},
	{"EPERM", unix.EPERM, "operation not permitted"},
}

// each is a trial of a call for each errno.
func each(name string, call fault.Call, of fault.Part, part string) (out []trial) {
	for _, e := range errnos {
		out = append(out, trial{name + ": " + e.name, []fault.Rule{{Call: call, Part: of, Errno: e.errno}}, part, e.word})
	}
	return out
}

// received is a trial of one answer.
func received(name string, of fault.Part, errno unix.Errno, how fault.Spoil, part, word string) trial {
	return trial{name, []fault.Rule{{Call: fault.Receive, Part: of, Errno: errno, Spoil: how}}, part, word}
}

// TestCountingFails: what counts connections, and what lists the host's addresses, fails in every way while a
// flood is held.
func TestCountingFails(t *testing.T) {
	f := newFaulty(t, policyFile{}, "", false)
	f.try(each("inet_diag takes no request", fault.Send, fault.Diag, "census"))
	f.try(each("rtnetlink takes no request", fault.Send, fault.Route, "census"))
	f.try([]trial{
		received("inet_diag's answers are lost", fault.Diag, unix.ENOBUFS, 0, "census", "overrun"),
		received("inet_diag's answers are not waited for", fault.Diag, unix.EINTR, 0, "census", "interrupted system call"),
		received("inet_diag is silent", fault.Diag, unix.EAGAIN, 0, "census", "did not answer in time"),
		received("inet_diag's answers may not be read", fault.Diag, unix.EPERM, 0, "census", "operation not permitted"),
		received("inet_diag's dumps are interrupted", fault.Diag, 0, fault.Interrupt, "census", "interrupted"),
		received("inet_diag's dumps are cut off", fault.Diag, 0, fault.Cut, "census", "could not be decoded"),
		received("rtnetlink's answers are lost", fault.Route, unix.ENOBUFS, 0, "census", "no buffer space available"),
		received("rtnetlink's dumps are interrupted", fault.Route, 0, fault.Interrupt, "census", "incomplete or inconsistent"),
		received("rtnetlink's dumps are cut off", fault.Route, 0, fault.Cut, "census", "list the host's addresses"),
		{"every second request to inet_diag", []fault.Rule{{Call: fault.Send, Part: fault.Diag, Errno: unix.ENOBUFS, Every: 2}}, "census", "no buffer"},
	})
}

// TestListeningFails: what tells of connections that end fails while it is listened to.
func TestListeningFails(t *testing.T) {
	f := newFaulty(t, policyFile{}, "[observe]\nmeters = \"always\"\n\n", false)
	const part = "observe endings"
	f.try([]trial{
		received("notices may not be read", fault.Destroyed, unix.EPERM, 0, part, "operation not permitted"),
		received("reading notices is interrupted", fault.Destroyed, unix.EINTR, 0, part, "interrupted system call"),
		received("no notice comes", fault.Destroyed, unix.EAGAIN, 0, "", ""),
		received("notices are lost", fault.Destroyed, unix.ENOBUFS, 0, "", ""),
		received("notices are cut off", fault.Destroyed, 0, fault.Cut, "", ""),
	})
	for _, e := range []int{0, 3} { // ENOBUFS, EPERM
		// Reading fails, so that it listens anew, and that fails too.
		f.try([]trial{{"no group is joined: " + errnos[e].name, []fault.Rule{{Call: fault.Receive, Part: fault.Destroyed, Errno: unix.EPERM, Most: 1},
			{Call: fault.Join, Part: fault.Destroyed, Errno: errnos[e].errno}}, part, "join multicast group"}})
	}
}

// TestTableFails: what reads and changes rules fails in every way. Where a fault lasts, leases run out and
// the flood is in; it is held again once it is over.
func TestTableFails(t *testing.T) {
	f := newFaulty(t, policyFile{}, "", false)
	f.try(each("nf_tables takes no question", fault.Send, fault.Tables, "rules"))
	f.try([]trial{
		received("nf_tables' answers are lost", fault.Tables, unix.ENOBUFS, 0, "rules", "overrun"),
		received("nf_tables' answers may not be read", fault.Tables, unix.EPERM, 0, "rules", "operation not permitted"),
		received("nf_tables' answers are cut off", fault.Tables, 0, fault.Cut, "rules", "could not be decoded"),
	})
	for i, e := range append(errnos, []struct {
		name  string
		errno unix.Errno
		word  string
	}{{"ENOMEM", unix.ENOMEM, "no memory for it"}, {"EBUSY", unix.EBUSY, "still in use"}}...) {
		f.try([]trial{{"a transaction is refused: " + e.name, []fault.Rule{{Call: fault.Commit, Errno: e.errno, Message: 3 * i}}, "table", e.word}})
	}
	f.try([]trial{
		{"every second transaction is refused", []fault.Rule{{Call: fault.Commit, Errno: unix.EBUSY, Every: 2, Message: 1}}, "", ""},
		{"a transaction's last message is refused, and the table cannot be listed", []fault.Rule{{Call: fault.Commit, Errno: unix.ENOMEM, Message: 1 << 20},
			{Call: fault.Receive, Part: fault.Tables, Spoil: fault.Cut}}, "table", "cannot allocate memory"},
	})
}

// TestTrackingFails: what counts, marks and forgets forwarded connections fails while a container is flooded.
func TestTrackingFails(t *testing.T) {
	f := newForwardedFaulty(t)
	f.try(each("conntrack takes no request", fault.Send, fault.Conntrack, "census"))
	f.try([]trial{
		received("conntrack's answers are lost", fault.Conntrack, unix.ENOBUFS, 0, "census", "overrun"),
		received("conntrack is silent", fault.Conntrack, unix.EAGAIN, 0, "census", "did not answer in time"),
		received("conntrack's dumps are cut off", fault.Conntrack, 0, fault.Cut, "census", "could not be decoded"),
	})
}

// newForwardedFaulty is a stage whose service is a container's.
func newForwardedFaulty(t *testing.T) *faulty {
	t.Helper()
	f := &faulty{stage: newStage(t)}
	f.server = f.container()
	f.begin(policyFile{traffic: "forwarded"}, "", false, func(*exec.Cmd) {})
	return f
}
