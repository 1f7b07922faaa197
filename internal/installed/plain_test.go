package installed

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ebbgate/control"
	"ebbgate/internal/nspawn"
	"ebbgate/internal/nstest"
)

// withoutDpkg returns the commands of README.md's sentence about installing without a package.
func withoutDpkg(text string) (lines []string) {
	_, after, _ := strings.Cut(text, "Without dpkg:")
	sentence, _, _ := strings.Cut(after, "\n\n")
	for _, m := range regexp.MustCompile("`(sudo [^`]+)`").FindAllStringSubmatch(sentence, -1) {
		lines = append(lines, strings.Join(strings.Fields(m[1]), " "))
	}
	return lines
}

// TestInstallWithoutDpkg: `make install` and what README.md has to be run after it come to the same.
func TestInstallWithoutDpkg(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := withoutDpkg(string(text))
	if len(lines) < 2 || lines[0] != "sudo make install" {
		t.Fatalf("README.md says how to install without dpkg: %q", lines)
	}
	h := &host{Machine: nspawn.Boot(t, nspawn.Bookworm, nstest.Lab(t).Victim)}
	(&reader{h, ""}).stand(t)
	h.makeInstall(t)
	for _, line := range lines[1:] {
		h.Run(t, "sh", "-ec", line)
	}
	h.wants(t, map[string]string{"UnitFileState": "enabled", "ActiveState": "active", "SubState": "running"})
	if got := h.Run(t, "stat", "-c", "%U:%G %a", "/etc/ebbgate", "/etc/ebbgate/config.toml"); got != "root:ebbgate 750\nroot:ebbgate 640\n" {
		t.Errorf("/etc/ebbgate and its policy are %q", got)
	}
	h.until(t, "the daemon answers", func(*control.Status) error { return nil })
	h.sandbox(t)
}

// makeInstall has make install done in a directory, whose files it puts on the machine: a machine with a
// checkout and Go would do both in one.
func (h *host) makeInstall(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("make", "-C", "../..", "install")
	cmd.Env = makeEnvironment("DESTDIR="+filepath.Join(dir, "tree"), "DEB_DIR="+dir, "DEB_VERSION="+older)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make install: %v\n%s", err, out)
	}
	tar, err := exec.Command("tar", "--owner=0", "--group=0", "--directory="+filepath.Join(dir, "tree"), "--create", "--file=-", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if r := h.Feed(string(tar), "tar", "--extract", "--no-overwrite-dir", "--directory=/", "--file=-"); r.Status != 0 {
		t.Fatal(r)
	}
}
