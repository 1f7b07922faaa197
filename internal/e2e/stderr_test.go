package e2e

import (
	"os"
	"syscall"
	"testing"

	"ebbgate/control"
)

// TestNobodyReadsTheLog: whoever read the daemon's messages has gone, and to write to him is a SIGPIPE. The
// daemon goes on, and carries out what it is told.
func TestNobodyReadsTheLog(t *testing.T) {
	s := newStage(t)
	s.write(policyFile{}.text(s.socket()))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := command("run", "--config", s.config())
	d := s.startLogging(cmd, w)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	s.write(policyFile{services: []serviceText{{"shop", "80", perSource}, {"mail", "25", perSource}}}.text(s.socket()))
	d.signal(syscall.SIGHUP) // which is logged
	d.awaitStatus("the new policy is in force", func(st *control.Status) error {
		if len(st.Services) != 2 {
			return errNotYet
		}
		return nil
	})
	if st := d.status(); st.PID != cmd.Process.Pid {
		t.Errorf("process %d answers, %d was started", st.PID, cmd.Process.Pid)
	}
}
