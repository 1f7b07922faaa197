package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// played is the summary of a demo, as far as all kinds have it.
type played struct {
	Attack        string   `json:"attack"`
	ServedWithout int      `json:"served_without"`
	FailedWithout int      `json:"failed_without"`
	ServedDuring  int      `json:"served_during"`
	FailedDuring  int      `json:"failed_during"`
	Recognised    float64  `json:"recognised"`
	Others        []string `json:"also_recognised"`
	Ruled         bool     `json:"ruled"`
	Cut           uint64   `json:"cut"`
	Refused       uint64   `json:"refused"`
	SYNs          uint64   `json:"syns"`
	CookiesSent   uint64   `json:"cookies_sent"`
	SYNsDropped   uint64   `json:"syns_dropped"`
	MostLimited   int      `json:"most_limited"`
	Blocks        uint64   `json:"blocks"`
	ShareLeast    int      `json:"share_least"`
	HeldAtEnd     int      `json:"held_at_end"`
	MostWaiting   int      `json:"most_waiting"`
	MostTracked   int      `json:"most_conntrack"`
	Why           string   `json:"why"`
	Clean         bool     `json:"clean"`
}

// TestDemoPlaysEveryKind runs the demo of each kind, whole.
func TestDemoPlaysEveryKind(t *testing.T) {
	if os.Getuid() != 0 && os.Getenv("CI") == "" {
		t.Skip("not permitted to make network namespaces: run as root")
	}
	for kind, check := range map[string]func(*played) bool{
		"distributed-flood": func(r *played) bool { return r.Cut > 0 && r.ShareLeast > 0 && r.HeldAtEnd < capacity },
		"churn":             func(r *played) bool { return r.Refused > 0 && r.MostLimited >= 8 && r.Blocks >= 8 },
		"syn-flood":         func(r *played) bool { return r.SYNsDropped > 0 && r.MostLimited == 0 && r.MostTracked == 0 },
		"spoofed-syn-flood": func(r *played) bool {
			return r.CookiesSent > 0 && r.SYNsDropped == 0 && r.MostLimited == 0 && r.MostTracked == 0
		},
		"slow-application": func(r *played) bool {
			return !r.Ruled && r.MostWaiting > 0 && r.MostLimited == 0 && r.Blocks == 0 && r.Cut == 0 && r.Why != ""
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel() // a play mostly waits, in namespaces of its own
			if strings.HasSuffix(kind, "syn-flood") {
				floodAlone(t)
			}
			r := play(t, kind)
			if r.Attack != kind || r.Recognised <= 0 || len(r.Others) > 0 || !r.Clean {
				t.Errorf("summary %+v", r)
			}
			if !check(r) {
				t.Errorf("answered otherwise than it should be: %+v", r)
			}
			if slow := kind == "slow-application"; !slow && (r.ServedDuring < 5*r.FailedDuring || r.ServedDuring == 0) || slow && r.ServedDuring > r.FailedDuring {
				t.Errorf("with ebbgate %d requests were served and %d failed", r.ServedDuring, r.FailedDuring)
			}
		})
	}
}

// play runs the demo of a kind and returns its summary.
func play(t *testing.T, kind string) *played {
	t.Helper()
	cmd := command("demo", "--attack", kind, "--json")
	tmp := t.TempDir()
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
	}
	t.Logf("the demo's summary: %s", out)
	var r played
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	return &r
}
