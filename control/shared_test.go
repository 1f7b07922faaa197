package control

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestListenWarnsOfADirectoryOfEverybody: who may make files beside the socket may be there first.
func TestListenWarnsOfADirectoryOfEverybody(t *testing.T) {
	for _, tt := range []struct {
		mode  fs.FileMode
		group string
		says  []string
	}{
		{0o755, "", nil},
		{0o770, "", nil},
		{0o777 | fs.ModeSticky, "", []string{"every user may make files in "}},
		{0o777, "ebbgate-none", []string{`"ebbgate-none" does not exist`, "; every user may make files in "}},
	} {
		dir := shortDir(t)
		if err := os.Chmod(dir, tt.mode); err != nil {
			t.Fatal(err)
		}
		s := mustListen(t, filepath.Join(dir, "s"), tt.group)
		for _, words := range tt.says {
			if !strings.Contains(s.Warning(), words) {
				t.Errorf("mode %v: warning %q, want %q", tt.mode, s.Warning(), words)
			}
		}
		if tt.says == nil && s.Warning() != "" || strings.HasPrefix(s.Warning(), ";") {
			t.Errorf("mode %v: warning %q", tt.mode, s.Warning())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
