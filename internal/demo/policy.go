package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	servicePort = 8080
	capacity    = 2000 // connections the demo's server holds
	perSource   = 100
)

// policyText is the daemon's policy. The quiet time is short, so that the end is part of the play.
const policyText = `mode = "enforce"

[control]
socket     = %q
view_group = ""

[[service]]
name  = "shop"
ports = [%d]

  [service.connections]
  per_source = %d

  [service.response]
  lease = "6s"
  quiet = "8s"
`

// stage is a directory with the policy and the daemon's socket.
type stage struct{ dir string }

func newStage() (*stage, error) {
	dir, err := os.MkdirTemp("", "ebbgate-demo-")
	if err != nil {
		return nil, fmt.Errorf("make directory for the daemon's policy: %w", err)
	}
	s := &stage{dir: dir}
	text := fmt.Sprintf(policyText, s.socket(), servicePort, perSource)
	if err := os.WriteFile(s.policy(), []byte(text), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write the daemon's policy: %w", err), s.remove())
	}
	return s, nil
}

func (s *stage) policy() string { return filepath.Join(s.dir, "config.toml") }
func (s *stage) socket() string { return filepath.Join(s.dir, "control.sock") }
func (s *stage) remove() error  { return os.RemoveAll(s.dir) }
