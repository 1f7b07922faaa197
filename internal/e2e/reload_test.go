package e2e

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"ebbgate/control"
)

// TestReload loads a bad policy and then a good one in the middle of an attack.
func TestReload(t *testing.T) {
	s, server, flood, d := attacked(t)
	good := policyFile{}.text(s.socket())
	bad := strings.Replace(good, "per_source = 100", `per_source = "many"`, 1)
	line := 1 + strings.Count(bad[:strings.Index(bad, "per_source")], "\n")
	s.write(bad)
	o := s.run(s.Victim, command("reload", "--socket", s.socket()))
	status := d.awaitStatus("the bad policy is refused", reloaded)
	want := fmt.Sprintf("%s:%d: ", s.config(), line)
	if problem, rest, _ := strings.Cut(o.stderr, "\n"); o.status != 2 || o.stdout != "" || problem != status.Reload.Error ||
		rest != "the policy is NOT reloaded: the one before it stays in force, with 1 service\n" {
		t.Errorf("ebbgate reload: %+v, want status 2 and %q", o, status.Reload.Error)
	}
	if got := status.Reload.Error; !strings.Contains(got, want) || !strings.Contains(got, "per_source") || !strings.Contains(got, "many") {
		t.Errorf("reload error %q, want %q, the key and the value in it", got, want)
	}
	s.awaitLimited(perSource, server, flood)
	if status := d.awaitStatus("the old limits stay", limiting(8)); status.Services[0].PerSource != perSource {
		t.Errorf("limit %d, want the old one", status.Services[0].PerSource)
	}
	if came := s.table.Presences(); len(came) != 1 {
		t.Errorf("the table came and went: %v", came)
	}

	const more = 150
	before := status.Reload.At
	s.write(strings.Replace(good, "per_source = 100", fmt.Sprintf("per_source = %d", more), 1))
	d.signal(syscall.SIGHUP)
	status = d.awaitStatus("the good policy is loaded", func(s *control.Status) error {
		if !s.Reload.At.After(before.Time) {
			return errors.New("the reload is the old one")
		}
		return nil
	})
	if !status.Reload.InForce || status.Reload.Error != "" || status.Services[0].PerSource != more {
		t.Fatalf("reload %+v, limit %d", status.Reload, status.Services[0].PerSource)
	}
	// Until a source is found at the new limit the kernel counts only what it opens from now on, on
	// top of what it has; the census then closes the excess.
	d.awaitStatus("every source has taken what the new limit leaves it and is refused again", func(s *control.Status) error {
		for _, l := range s.Services[0].Limits {
			if !l.Refusing || l.Held > more {
				return fmt.Errorf("%s holds %d, refusing %t", l.Source, l.Held, l.Refusing)
			}
		}
		return limiting(8)(s)
	})
	s.awaitLimited(more, server, flood)
}

// reloaded is a condition of a status: a reload was asked for and done.
func reloaded(s *control.Status) error {
	if s.Reload == nil {
		return errors.New("no reload so far")
	}
	return nil
}
