package observer

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/internal/login"
	"ebbgate/policy"
)

// loginHost writes the files of a host where root is logged in from 192.0.2.7, and ada from
// 192.0.2.8. Its records are believed if they belong to root, as whom these tests run.
func loginHost(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 && os.Getenv("CI") == "" {
		t.Skip("not permitted to make files of root: run as root, or under unshare -r")
	}
	root := t.TempDir()
	loginFile(t, root, "etc/passwd", "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/:/bin/sh\n")
	loginFile(t, root, "etc/group", "root:x:0:\nada:x:1000:\n")
	loginFile(t, root, "run/systemd/sessions/1", sessionRecord(0, "192.0.2.7"))
	loginFile(t, root, "run/systemd/sessions/2", sessionRecord(1000, "192.0.2.8"))
	return root
}

func loginFile(t *testing.T, root, path, text string) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func sessionRecord(uid int, from string) string {
	return fmt.Sprintf("UID=%d\nSTATE=active\nREMOTE=1\nCLASS=user\nREMOTE_HOST=%s\nSERVICE=sshd\n", uid, from)
}

// at observes sessions at a time since boot, with a listener that is sshd's or another's.
func (s *sessions) observed(at time.Duration, ssh bool) policy.Observation {
	obs := policy.Observation{At: policy.Instant(at), Listeners: []policy.Listener{{Service: "web"}, {Service: "ssh", SSH: ssh}}}
	s.observe(&obs, &target{})
	return obs
}

func TestSessionsOnlyForSSH(t *testing.T) {
	s := &sessions{reader: login.NewReader(loginHost(t))}
	if obs := s.observed(0, false); obs.Sessions != nil || obs.Faults != nil {
		t.Errorf("without sshd: %+v", obs)
	}
	obs := s.observed(time.Millisecond, true)
	if len(obs.Sessions) != 2 || len(obs.Faults) != 0 || obs.Sessions[0].From.String() != "192.0.2.7" || !obs.Sessions[0].Root ||
		obs.Sessions[1].Root || !slices.Equal(obs.Sessions[1].Groups, []string{"ada"}) {
		t.Errorf("with sshd: %+v", obs)
	}
	if obs := s.observed(2*time.Millisecond, false); obs.Sessions != nil {
		t.Errorf("sshd ended: %+v", obs)
	}
}

func TestSessionsAreReadOnceASecond(t *testing.T) {
	root := loginHost(t)
	s := &sessions{reader: login.NewReader(root)}
	first := s.observed(0, true)
	first.Sessions[0].Root = false // whoever has an observation may keep it
	loginFile(t, root, "run/systemd/sessions/3", sessionRecord(0, "192.0.2.9"))
	if obs := s.observed(sessionsEvery-1, true); len(obs.Sessions) != 2 || !obs.Sessions[0].Root {
		t.Errorf("within a second: %+v", obs.Sessions)
	}
	if obs := s.observed(sessionsEvery, true); len(obs.Sessions) != 3 {
		t.Errorf("after a second: %+v", obs.Sessions)
	}
}

func TestSessionsFault(t *testing.T) {
	root := loginHost(t)
	s := &sessions{reader: login.NewReader(root)}
	if err := os.Chmod(filepath.Join(root, "run/systemd/sessions"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Duration{0, 1, sessionsEvery} { // the fault stands until it is read again
		obs := s.observed(at, true)
		if len(obs.Sessions) != 0 || len(obs.Faults) != 1 || obs.Faults[0].Part != "sessions" || !strings.Contains(obs.Faults[0].Text, "may write") {
			t.Errorf("%v: %+v, %q", at, obs.Sessions, obs.Faults)
		}
	}
	if err := os.RemoveAll(filepath.Join(root, "run")); err != nil {
		t.Fatal(err)
	}
	if obs := s.observed(2*sessionsEvery, true); len(obs.Sessions) != 0 || len(obs.Faults) != 0 {
		t.Errorf("no login manager: %+v", obs)
	}
}

func newLoginReader(t *testing.T) *login.Reader { return login.NewReader(loginHost(t)) }
