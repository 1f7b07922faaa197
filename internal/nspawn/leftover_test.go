package nspawn

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"ebbgate/internal/nstest"
)

// killedVariable tells the process that TestKilledRun starts what it is for.
const killedVariable = "EBBGATE_TEST_KILLED_RUN"

// TestKilledRun: the machine of a run that is killed ends with it, and the next run removes what is left.
func TestKilledRun(t *testing.T) {
	if os.Getenv(killedVariable) != "" {
		m := Boot(t, Bookworm, nstest.Lab(t).Victim)
		fmt.Printf("%s %s booted\n", m.place.dir, m.place.group)
		select {} // until it is killed
	}
	mine := newPlace(t)
	t.Setenv("TMPDIR", t.TempDir())
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledRun$")
	cmd.Env = append(os.Environ(), killedVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dir, cgroup, word string
	_, err = fmt.Fscan(out, &dir, &cgroup, &word)
	beside := newPlace(t)
	for _, path := range []string{filepath.Join(dir, "tree", "etc"), cgroup} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("a run beside it removed what is in use: %v", err)
		}
	}
	if some, err := group(cgroup).populated(); err != nil || !some {
		t.Errorf("a run beside it ended its machine: %v", err)
	}
	if kill := cmd.Process.Kill(); kill != nil {
		t.Fatal(kill)
	}
	rest, _ := io.ReadAll(out)
	_ = cmd.Wait() // it was killed
	if err != nil || word != "booted" {
		t.Fatalf("the run that was to be killed said %q %q %q %s: %v", dir, cgroup, word, rest, err)
	}
	for _, path := range []string{filepath.Join(dir, "tree", "etc"), cgroup} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the killed run did not even leave %v", err)
		}
	}

	if err := group(cgroup).emptied(bootTime); err != nil {
		t.Errorf("the machine outlives the run that booted it: %v", err)
	}

	next := newPlace(t)
	for _, path := range []string{dir, cgroup} {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	for _, p := range []place{mine, beside, next} {
		if _, err := os.Stat(p.dir); err != nil {
			t.Errorf("it removed what is in use: %v", err)
		}
		if err := p.remove(); err != nil {
			t.Error(err)
		}
	}
}
