package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	servicePort = 8080
	capacity    = 2000 // connections the demo's server holds
	perSource   = 100
)

// policyText is what the policy of a play says beyond what all say.
type policyText struct {
	capacity     bool // the server's capacity
	newPerSource int  // a second; 0: no limit
	synPerSource int  // likewise
	synPressure  int  // SYNs a second; 0: the default
	blockAfter   string
	blockFor     string
	stay         bool // the attack goes on, so that limits and blocks may last, and a history is worth keeping
}

// write writes the daemon's policy. The quiet time is short, so that the end is part of the play,
// and blocks are part of it only where the play tells of them.
func (t policyText) write(socket string) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	history, lease, quiet, blockFor := "", "6s", "8s", fmt.Sprintf("%q", t.blockFor)
	if t.stay {
		history, lease, quiet, blockFor = filepath.Join(filepath.Dir(socket), "history.db"), "20s", "30s", `"1m", "10m", "1h"`
	}
	say("mode = \"enforce\"\n")
	say("[control]\nsocket     = %q\nview_group = \"\"\n\n[history]\npath = %q\n", socket, history)
	if t.synPressure > 0 {
		say("[observe]\nsyn_pressure = \"%d/s\"\n", t.synPressure)
	}
	say("[[service]]\nname  = \"shop\"\nports = [%d]", servicePort)
	if t.capacity {
		say("capacity = %d", capacity)
	}
	say("\n  [service.connections]\n  per_source = %d\n", perSource)
	if t.newPerSource > 0 || t.synPerSource > 0 {
		say("  [service.rate]")
	}
	if t.newPerSource > 0 {
		say("  new_per_source = \"%d/s\"\n", t.newPerSource)
	}
	if t.synPerSource > 0 {
		say("  syn_per_source = \"%d/s\"\n", t.synPerSource)
	}
	say("  [service.response]\n  lease = %q\n  quiet = %q", lease, quiet)
	if t.blockAfter == "" {
		say("  block_after = \"0s\"")
	} else {
		say("  block_after = %q\n  block_for   = [%s]", t.blockAfter, blockFor)
	}
	return b.String()
}

// stage is a directory with the policy and the daemon's socket.
type stage struct{ dir string }

func newStage(t policyText) (*stage, error) { return stageOf(t.write) }

// stageOf takes what writes the policy for a daemon with that socket.
func stageOf(policy func(socket string) string) (*stage, error) {
	dir, err := os.MkdirTemp("", "ebbgate-demo-")
	if err != nil {
		return nil, fmt.Errorf("make directory for the daemon's policy: %w", err)
	}
	s := &stage{dir: dir}
	if err := os.WriteFile(s.policy(), []byte(policy(s.socket())), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write the daemon's policy: %w", err), s.remove())
	}
	return s, nil
}

func (s *stage) policy() string { return filepath.Join(s.dir, "config.toml") }
func (s *stage) socket() string { return filepath.Join(s.dir, "control.sock") }
func (s *stage) remove() error  { return os.RemoveAll(s.dir) }
