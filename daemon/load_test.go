package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/control"
	"ebbgate/policy"
)

var tooLong = enforcing + strings.Repeat("# \n", 1<<21/3)

// spoilt are the ways in which a policy's file can be of no use.
var spoilt = []struct {
	name  string
	spoil func(t *testing.T, path string)
	want  []string // in the error; PATH stands for the path
}{
	{"missing", func(*testing.T, string) {}, []string{"read policy", "no such file"}},
	{"directory", func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) }, []string{"read policy", "PATH", "not a regular file"}},
	{"pipe", func(t *testing.T, path string) { must(t, unix.Mkfifo(path, 0o600)) }, []string{"read policy", "PATH", "not a regular file"}},
	{"device", func(t *testing.T, path string) { must(t, os.Symlink("/dev/zero", path)) }, []string{"read policy", "PATH", "not a regular file"}},
	{"link to itself", func(t *testing.T, path string) { must(t, os.Symlink(path, path)) }, []string{"read policy", "too many levels"}},
	{"2 MiB", func(t *testing.T, path string) { put(t, path, tooLong) },
		[]string{"PATH", fmt.Sprintf("has %d bytes", len(tooLong)), "at most 1048576"}},
	{"not TOML", func(t *testing.T, path string) { put(t, path, "mode = \n") }, []string{"PATH:1: "}},
	{"empty", func(t *testing.T, path string) { put(t, path, "") }, []string{"PATH", "service"}},
	{"three problems", func(t *testing.T, path string) {
		put(t, path, "mode = \"on\"\nmodus = 1\n[[service]]\nname = \"web\"\nports = [0]\n")
	}, []string{"PATH:1: mode: ", "PATH:2: modus: ", "PATH:5: service[0].ports[0]: "}},
}

func TestReadPolicyErrors(t *testing.T) {
	for _, c := range spoilt {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.toml")
			c.spoil(t, path)
			p, _, err := ReadPolicy(path)
			if err == nil || p != nil {
				t.Fatalf("policy %v, error %v", p, err)
			}
			for _, want := range c.want {
				want = strings.ReplaceAll(want, "PATH", path)
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
		})
	}
}

func TestReadPolicyErrorsCanBeToldApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if _, _, err := ReadPolicy(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	put(t, path, "mode = 1")
	var problems policy.Problems
	if _, _, err := ReadPolicy(path); !errors.As(err, &problems) {
		t.Errorf("%v is not of type policy.Problems", err)
	}
}

func TestReadPolicyTakesTheLargestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	text := enforcing + "#"
	put(t, path, text+strings.Repeat("x", policy.MaxFileSize-len(text)))
	if _, _, err := ReadPolicy(path); err != nil {
		t.Error(err)
	}
}

func TestGoodReloadSwapsThePolicy(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 15)
		w.start()
		w.pass(time.Second)
		w.write(strings.Replace(enforcing, "per_source = 10", "per_source = 20", 1))
		w.hup()
		if n := len(w.watcher.policies); n != 2 || w.watcher.policies[1].Services[0].Connections.PerSource != 20 {
			t.Errorf("the watcher was given %d policies", n)
		}
		s := w.publisher.latest()
		if s.Services[0].PerSource != 20 || s.Reload.Error != "" || s.Reload.At != s.At {
			t.Errorf("per_source %d, reload %+v at %v", s.Services[0].PerSource, s.Reload, s.At)
		}
		want := []string{"ready", "reloading", "ready"}
		if got := w.trace.only("ready", "reloading", "stopping"); !slices.Equal(got, want) {
			t.Errorf("told the service manager %v, want %v", got, want)
		}
		if got := w.log.lines("reload: "); len(got) != 1 || !strings.HasPrefix(got[0], `INFO "reload: the policy is in force" event=policy-loaded policy=`) || !strings.HasSuffix(got[0], " services=2") {
			t.Errorf("log:\n%s", strings.Join(got, "\n"))
		}
		w.stop()
	})
}

func TestBadReloadChangesNothing(t *testing.T) {
	for _, c := range spoilt {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.watcher.hold("web", "203.0.113.1", 25)
				w.start()
				w.pass(time.Second)
				before := w.daemon.Policy
				must(t, os.Remove(w.path))
				c.spoil(t, w.path)
				sent := len(w.rules.transactions())
				w.hup()
				if w.daemon.Policy != before || len(w.watcher.policies) != 1 || len(w.rules.transactions()) != sent {
					t.Error("a bad policy changed something")
				}
				s := w.publisher.latest()
				for _, want := range c.want {
					want = strings.ReplaceAll(want, "PATH", w.path)
					if !strings.Contains(s.Reload.Error, want) {
						t.Errorf("status.reload.error %q lacks %q", s.Reload.Error, want)
					}
					if got := w.log.lines(want); len(got) == 0 {
						t.Errorf("no line in the log has %q:\n%s", want, strings.Join(w.log.lines("reload"), "\n"))
					}
				}
				if s.State != control.StateAttack || len(s.Faults) != 0 {
					t.Errorf("state %s, faults %v: a bad policy is no fault of the daemon", s.State, s.Faults)
				}
				problems := strings.Count(s.Reload.Error, "\n") + 1
				if got := w.log.lines("the policy stays as it was"); len(got) != problems || !strings.HasPrefix(got[0], "ERROR ") || !strings.Contains(got[0], " event=policy-refused problem=") {
					t.Errorf("want a line for each of %d problems:\n%s", problems, strings.Join(got, "\n"))
				}
				want := []string{"ready", "reloading", "ready"}
				if got := w.trace.only("ready", "reloading"); !slices.Equal(got, want) {
					t.Errorf("told the service manager %v, want %v", got, want)
				}
				w.stop()
			})
		})
	}
}

func TestReloadAfterABadOneClearsTheError(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		w.write("mode = 1")
		w.hup()
		bad := w.publisher.latest()
		w.write(enforcing)
		w.pass(time.Second)
		w.hup()
		if s := w.publisher.latest(); s.Reload.Error != "" || !s.Reload.At.After(bad.Reload.At.Time) {
			t.Errorf("reload %+v, want a later one without an error", s.Reload)
		}
		if bad.Reload.Error == "" {
			t.Error("a picture changed after it was published")
		}
		w.stop()
	})
}

func TestReloadWarns(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.start()
		w.write("[control]\nsocket = \"/run/other.sock\"\n[[service]]\nname = \"web\"\nports = [80]\n")
		w.hup()
		w.stop()
		for _, want := range []string{
			`WARN policy warning="control: takes effect when the service is restarted; until then it is as it was at start"`,
			`WARN policy warning="service \"web\": has no limit`,
		} {
			if len(w.log.lines(want)) != 1 {
				t.Errorf("the log lacks %s:\n%s", want, strings.Join(w.log.lines(""), "\n"))
			}
		}
	})
}

func TestReloadBringsANewBudget(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(strings.Replace(enforcing, "[exempt]", "[observe]\ncpu_budget = \"0.1%\"\n[exempt]", 1))
		w.watcher.cpu = 10 * time.Second
		w.suspicious()
		w.start()
		w.pass(time.Minute)
		if n := len(w.trace.times("census")); n != 1 {
			t.Fatalf("%d censuses on a tiny budget that the first has used up, want 1", n)
		}
		w.hup()
		w.pass(time.Second)
		if n := len(w.trace.times("census")); n != 1 {
			t.Errorf("%d censuses: a reload that leaves the budget alone must not forgive the debt", n)
		}
		w.write(enforcing)
		w.hup()
		if n := len(w.trace.times("census")); n != 2 {
			t.Errorf("%d censuses after the budget was raised, want another at once", n)
		}
		w.stop()
	})
}

func TestServiceThatLeavesThePolicyTakesItsLimitsAlong(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.watcher.hold("web", "203.0.113.1", 25)
		w.start()
		w.pass(time.Second)
		w.write("[[service]]\nname = \"other\"\nports = [443]\n")
		w.hup()
		if w.rules.Have().Present {
			t.Error("the table of a service that is gone is still there")
		}
		if got := w.log.lines("attack-ended"); len(got) != 1 || !strings.Contains(got[0], `why="the service left the policy"`) {
			t.Errorf("log %q", got)
		}
		w.stop()
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}
