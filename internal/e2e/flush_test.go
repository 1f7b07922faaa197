package e2e

import (
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"ebbgate/internal/lab"
)

// flushing has two others flush all rules of the victim as fast as they can, until it is called off.
func (s *stage) flushing() (callOff func()) {
	s.t.Helper()
	over := make(chan struct{})
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				cmd := exec.Command("nft", "flush", "ruleset")
				if err := s.Victim.Start(cmd); err != nil {
					s.t.Errorf("flush: %v", err)
					return
				}
				_ = cmd.Wait() // the loser of two transactions may fail
			}
		})
	}
	callOff = sync.OnceFunc(func() { close(over); both.Wait() })
	s.t.Cleanup(callOff)
	return callOff
}

// TestRulesAreFlushedUnderAttack: an owned table is not lost by that. Any other is, again and again; the
// daemon goes on, and once they leave it alone the limits hold again. Clients are served all the time.
func TestRulesAreFlushedUnderAttack(t *testing.T) {
	for _, owned := range []bool{true, false} {
		name := map[bool]string{false: "a table of nobody", true: "an owned table"}[owned]
		t.Run(name, func(t *testing.T) {
			if owned && ownerless(t) {
				t.Skip("tables have no owners here")
			}
			s := newStage(t)
			server := s.server(everywhere(), capacity)
			clients := s.clients(v4())
			s.write(policyFile{}.text(s.socket()))
			cmd := command("run", "--config", s.config())
			if !owned {
				cmd.Path = oldProgram(t)
			}
			d := s.start(cmd)
			// All of them fit in beside the clients: what those meet with is the daemon's doing alone.
			flood := s.flood(v4(), lab.AttackRange().IPv4(8), capacity-500)
			s.awaitTable(true)
			d.awaitStatus("all sources are limited", limiting(8))

			from, callOff := time.Now(), s.flushing()
			s.served(clients, 100)
			callOff()
			s.checkClients(clients, from)
			lost := len(s.table.Presences()) - 1
			t.Logf("the table was seen to be gone %d times", lost)
			if noticed := strings.Contains(d.log.String(), "msg=table-lost"); owned && lost > 0 || noticed == owned {
				t.Errorf("gone %d times, noticed %t", lost, noticed)
			}
			s.awaitLimited(perSource, server, flood)
			status := d.awaitStatus("it has recovered", limiting(8))
			if !status.Table.Present || status.Table.Owned != owned || status.PID != cmd.Process.Pid {
				t.Errorf("process %d, table %+v", status.PID, status.Table)
			}
		})
	}
}
