package installed

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"ebbgate/control"
	"ebbgate/internal/nspawn"
	"ebbgate/internal/nstest"
)

// quoted returns the commands, each in back-quotes, that README.md has in a paragraph after these words.
func quoted(t *testing.T, words string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), words)
	paragraph, _, _ := strings.Cut(after, "\n\n")
	for _, m := range regexp.MustCompile("`((?:sudo [^`]+)|make)`").FindAllStringSubmatch(paragraph, -1) {
		lines = append(lines, strings.Join(strings.Fields(m[1]), " "))
	}
	return lines
}

// TestInstallWithoutDpkg: what README.md says how to install without dpkg comes to the same as the package, and
// what it says how to remove that leaves no trace.
func TestInstallWithoutDpkg(t *testing.T) {
	t.Parallel()
	install, remove := quoted(t, "Without dpkg:"), quoted(t, "What was installed without dpkg")
	if len(install) < 3 || install[0] != "make" || install[1] != "sudo make install" || len(remove) < 2 {
		t.Fatalf("README.md says how to install without dpkg %q, and how to remove that %q", install, remove)
	}
	h := &host{Machine: nspawn.Boot(t, nspawn.Bookworm, nstest.Lab(t).Victim)}
	(&reader{h, ""}).stand(t)
	h.stage(t)
	for _, line := range install[1:] {
		h.Run(t, "sh", "-ec", line)
	}
	h.wants(t, map[string]string{"UnitFileState": "enabled", "ActiveState": "active", "SubState": "running"})
	if got := h.Run(t, "stat", "-c", "%U:%G %a", "/etc/ebbgate", "/etc/ebbgate/config.toml"); got != "root:ebbgate 750\nroot:ebbgate 640\n" {
		t.Errorf("/etc/ebbgate and its policy are %q", got)
	}
	h.until(t, "the daemon answers", func(*control.Status) error { return nil })
	h.sandbox(t)
	h.policy(t, enforcing(perSource))
	h.Write(t, "/var/lib/ebbgate/recording", "", 0o644)
	for _, line := range remove {
		h.Run(t, "sh", "-ec", line)
	}
	h.Run(t, "rm", "-r", checkout)
	h.traceless(t)
}

// makeThere stands in for make on a machine that has none: root's part runs one script.
const makeThere = `#!/bin/sh -e
cd ` + checkout + `
case $* in
install) exec packaging/install bin/package/stage "" ;;
"uninstall PURGE=1") exec packaging/uninstall bin/package/stage "" 1 ;;
esac
echo "no such target: $*" >&2
exit 2
`

// stage does what is done without root, here, and puts what comes of it in the machine's checkout.
func (h *host) stage(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("make", "-C", "../..", "stage")
	cmd.Env = nstest.MakeEnviron("DEB_DIR="+dir, "DEB_VERSION="+older, epoch)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make stage: %v\n%s", err, out)
	}
	// Of the user who built, not of root.
	tar, err := exec.Command("tar", "--owner=1000", "--group=1000", "--directory="+dir, "--create", "--file=-", "package/stage").Output()
	if err != nil {
		t.Fatal(err)
	}
	h.Run(t, "mkdir", "-p", checkout+"/bin", checkout+"/packaging")
	if r := h.Feed(string(tar), "tar", "--extract", "--same-owner", "--directory="+checkout+"/bin", "--file=-"); r.Status != 0 {
		t.Fatal(r)
	}
	for _, script := range []string{"install", "uninstall"} {
		h.Put(t, "../../packaging/"+script, checkout+"/packaging/"+script, 0o755)
	}
	h.Write(t, "/usr/local/bin/make", makeThere, 0o755)
}
