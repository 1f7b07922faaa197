//go:build pictures

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/internal/screen"
)

// picturesEnv names the directory for the pictures of the documentation.
const picturesEnv = "EBBGATE_PICTURES"

// picture writes one.
func picture(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(os.Getenv(picturesEnv), name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestPictureOfDemo plays the demo on a terminal.
func TestPictureOfDemo(t *testing.T) {
	term := screen.New(t, 100, 140)
	term.Start(exec.Command("sh", "-c", `echo "ebbgate demo"; exec "$0" demo`, program))
	nstest.Until(t, 3*time.Minute, "the demo ends", func() error {
		if !strings.Contains(term.Text(), "machine clean") {
			return errors.New(term.Text())
		}
		return nil
	})
	picture(t, "demo.svg", term.SVG())
}

// TestPictureOfTopAndReport looks at one flood in the live view, and writes the report of it.
func TestPictureOfTopAndReport(t *testing.T) {
	s := newStage(t)
	s.server(everywhere(), capacity)
	policy := strings.Replace(s.historyPolicy(), "[[service]]", fmt.Sprintf("[[service]]\ncapacity = %d", capacity), 1)
	policy = strings.Replace(policy, `block_after = "1s"`, `block_after = "12s"`, 1)
	s.write(strings.Replace(policy, `quiet = "1s"`, `quiet = "8s"`, 1))
	d := s.start(command("run", "--config", s.config()))
	s.clients(v4())
	calm := d.status().At
	past := func(since control.Time, span time.Duration) {
		d.awaitStatus("some time passes", func(st *control.Status) error {
			if st.At.Sub(since.Time) < span {
				return errors.New("not yet")
			}
			return nil
		})
	}
	past(calm, 6*time.Second)
	flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	status := d.awaitStatus("it is recognised", func(st *control.Status) error {
		if len(st.Services[0].Attacks) == 0 {
			return errors.New("no attack")
		}
		return nil
	})
	id, began := status.Services[0].Attacks[0].ID, status.At
	term, _ := s.top(100, 30)
	past(began, 9*time.Second)
	term.Await("8 sources limited", "▶ shop")
	picture(t, "top.svg", term.SVG())
	term.Type("q")
	d.awaitStatus("all are blocked", blocked(8))
	past(began, 18*time.Second)
	s.stop(flood)
	d.awaitStory(id)
	o := s.run(s.Victim, command("attacks", id, "--html", "-", "--socket", s.socket()))
	if o.status != 0 {
		t.Fatalf("%+v", o)
	}
	picture(t, "report.html", o.stdout)
}
