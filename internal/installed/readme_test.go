package installed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"ebbgate/control"
	"ebbgate/internal/nspawn"
	"ebbgate/internal/nstest"
)

// commands returns the indented lines of one section of a text in Markdown, as they stand there.
func commands(text, heading string) (lines []string) {
	inside := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "## "):
			inside = strings.TrimSpace(line) == "## "+heading
		case inside && strings.HasPrefix(line, "    ") && strings.TrimSpace(line) != "":
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestCommandsOfASection(t *testing.T) {
	const text = "# T\n\n    no\n\n## Install\n\nSay:\n\n    make deb   # with Go\n    sudo apt install ./x\n\n### More\n\n    sudo true\n\n## Remove\n\n    sudo apt purge x\n"
	want := []string{"make deb   # with Go", "sudo apt install ./x", "sudo true"}
	if got := commands(text, "Install"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := commands(text, "Inst"); got != nil {
		t.Errorf("a section that is not there has %q", got)
	}
}

// reader follows README.md as a new user would: what makes the package is done in the checkout, the rest on
// the machine, in a directory that holds what was made.
type reader struct {
	*host
	made string // instead of the checkout's bin/
}

// checkout is where the reader is, on the machine.
const checkout = "/root/ebbgate"

// follow does what a section says, word for word.
func (r *reader) follow(t *testing.T, heading string) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := commands(string(text), heading)
	if len(lines) == 0 {
		t.Fatalf("README.md has no section %q with commands (lines indented by four spaces)", heading)
	}
	for _, line := range lines {
		t.Logf("following: %s", line)
		if err := r.do(t, line); err != nil {
			t.Fatalf("README.md, section %q, %q: %v", heading, line, err)
		}
	}
}

func (r *reader) do(t *testing.T, line string) error {
	t.Helper()
	if !strings.HasPrefix(line, "make ") {
		// Whoever is asked says yes.
		if o := r.Feed("y\ny\n", "sh", "-ec", "cd "+checkout+"; "+line); o.Status != 0 {
			return errors.New(o.String())
		}
		return nil
	}
	cmd := exec.Command("sh", "-ec", line)
	cmd.Dir = "../.."
	// Where it goes, that it is for this machine only, and a version however git is, is all that differs from a user's.
	cmd.Env = nstest.MakeEnviron("DEB_DIR="+r.made, "DEB_ARCH="+runtime.GOARCH, "DEB_VERSION="+older, epoch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	packages, err := filepath.Glob(filepath.Join(r.made, "*.deb"))
	for _, path := range packages {
		r.Put(t, path, filepath.Join(checkout, "bin", filepath.Base(path)), 0o644)
	}
	return err
}

// stand puts what a new user has on the machine, and is not in its root file system: sudo, and an editor in
// which he writes a policy of his own.
func (r *reader) stand(t *testing.T) {
	t.Helper()
	r.Run(t, "mkdir", "-p", checkout)
	r.Write(t, "/usr/local/bin/sudo", "#!/bin/sh\nexec \"$@\"\n", 0o755)
	r.Write(t, "/root/policy.toml", enforcing(perSource), 0o644)
	r.Write(t, "/usr/local/bin/editor", "#!/bin/sh\nexec cp /root/policy.toml \"$1\"\n", 0o755)
	r.Run(t, "ln", "-s", "editor", "/usr/local/bin/nano")
	r.Run(t, "ln", "-s", "editor", "/usr/local/bin/sudoedit")
}

// TestReadme installs as README.md says, and removes as it says.
func TestReadme(t *testing.T) {
	t.Parallel()
	for _, suite := range []nspawn.Suite{nspawn.Bookworm, nspawn.Trixie} {
		t.Run(string(suite), func(t *testing.T) {
			t.Parallel()
			r := &reader{&host{Machine: nspawn.Boot(t, suite, nstest.Lab(t).Victim)}, t.TempDir()}
			r.stand(t)
			r.follow(t, "Install")
			r.wants(t, map[string]string{"UnitFileState": "enabled", "ActiveState": "active", "SubState": "running"})
			r.Run(t, "ebbgate", "check", "/etc/ebbgate/config.toml")
			r.until(t, "the daemon answers, in peace", func(s *control.Status) error {
				if s.State != control.StatePeace || s.Reload != nil && s.Reload.Error != "" {
					return fmt.Errorf("state %s, reload %+v", s.State, s.Reload)
				}
				return nil
			})
			r.follow(t, "Remove every trace")
			r.Run(t, "rm", "-r", checkout)
			r.traceless(t)
		})
	}
}
