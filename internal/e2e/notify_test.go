package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ebbgate/internal/lab"
)

// pager is a webhook's receiver in the victim, for the real program.
type pager struct {
	mu    sync.Mutex
	notes []page
}

// page is what a test reads of a notification.
type page struct {
	Event, Service, Kind, Attack, Host, Text string
}

func (p *pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var n page
	if err := json.NewDecoder(r.Body).Decode(&n); err != nil || r.Header.Get("User-Agent") == "" {
		http.Error(w, "no notification", http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notes = append(p.notes, n)
}

// had returns what was told of a kind of event, alone.
func (p *pager) had(kind string) (of []page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.notes {
		if x.Event == kind {
			of = append(of, x)
		}
	}
	return of
}

func (p *pager) await(t *testing.T, kind string, times int) {
	t.Helper()
	await(t, 90*time.Second, fmt.Sprintf("%s is told %d times", kind, times), func() error {
		if got := p.had(kind); len(got) != times {
			return fmt.Errorf("it was %d times: %+v", len(got), got)
		}
		return nil
	})
}

// notifier starts `ebbgate notify` in the victim. The function returned ends it as a service manager would.
func (s *stage) notifier(arguments ...string) (stop func()) {
	s.t.Helper()
	args := slices.Concat([]string{"notify", "--socket", s.socket(), "--state", filepath.Join(s.dir, "told.json"), "--flap", "0s",
		"--unreachable-after", "1s", "--burst", "100"}, arguments)
	cmd := command(args...)
	var log journal
	cmd.Stderr = &log
	if err := s.Victim.Start(cmd); err != nil {
		s.t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		err := cmd.Process.Signal(syscall.SIGTERM)
		if err = errors.Join(err, cmd.Wait()); err != nil {
			s.t.Errorf("ebbgate notify: %v\n%s", err, log.String())
		}
	}
	s.t.Cleanup(stop)
	return stop
}

// receiver starts a pager in the victim.
func (s *stage) receiver() (*pager, string) {
	s.t.Helper()
	p := &pager{}
	server := httptest.NewUnstartedServer(p)
	_ = server.Listener.Close()
	err := s.Victim.Do(func() (err error) {
		server.Listener, err = net.Listen("tcp", "127.0.0.1:0")
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	server.Start()
	s.t.Cleanup(server.Close)
	return p, server.URL
}

// TestNotify: somebody is told once of an attack's begin and of its end, though both he who tells and the daemon
// are restarted in between, and of the daemon's absence.
func TestNotify(t *testing.T) {
	s := newStage(t)
	server := s.server(everywhere(), capacity)
	p, url := s.receiver()
	d := s.daemon(policyFile{})
	stop := s.notifier("--webhook", url)
	await(t, soon, "it has begun to read", func() error {
		_, err := os.Stat(filepath.Join(s.dir, "told.json"))
		return err
	})
	flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	p.await(t, "attack-began", 1)
	s.awaitLimited(perSource, server, flood)
	if n := p.had("attack-began")[0]; n.Service == "" || n.Attack == "" || !strings.Contains(n.Text, " began") || !strings.HasPrefix(n.Text, n.Host) {
		t.Errorf("told %+v", n)
	}
	stop()
	s.stop(flood)
	s.awaitTable(false)
	stop = s.notifier("--webhook", url)
	p.await(t, "attack-ended", 1)
	if began := p.had("attack-began"); len(began) != 1 {
		t.Errorf("the begin was told %d times", len(began))
	}
	d.end()
	p.await(t, "daemon-unreachable", 1)
	stop()
}
