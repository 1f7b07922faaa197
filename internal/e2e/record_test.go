package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ebbgate/internal/lab"
)

// TestRecordingReplays records an attack and decides it again: the same under the same policy, to
// the byte, twice, and otherwise under another one.
func TestRecordingReplays(t *testing.T) {
	s := newStage(t)
	record := filepath.Join(s.dir, "record")
	server := s.server(everywhere(), capacity)
	d := s.daemon(policyFile{}, "--record", record)
	flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	s.awaitTable(true)
	s.awaitLimited(perSource, server, flood)
	d.signal(syscall.SIGTERM)
	<-d.done

	replay := func(policy string, args ...string) string {
		t.Helper()
		o := s.run(s.Victim, command(append([]string{"replay", record, "--config", policy}, args...)...))
		if o.status != 0 {
			t.Fatalf("replay: exit status %d: %s", o.status, o.stderr)
		}
		return o.stdout
	}
	if out := replay(s.config()); !strings.Contains(out, "attack-began") || !strings.Contains(out, ": the same decisions as when it was recorded") {
		t.Errorf("replay says:\n%s", out)
	}
	if a, b := replay(s.config(), "--json"), replay(s.config(), "--json"); a != b || !strings.Contains(a, `"Refuse":true`) {
		t.Errorf("two replays of %d and %d bytes decide differently, or refuse nobody", len(a), len(b))
	}
	other := filepath.Join(s.dir, "other.toml")
	text := strings.Replace(policyFile{}.text(s.socket()), fmt.Sprintf("per_source = %d", perSource), "per_source = 30", 1)
	if err := os.WriteFile(other, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := replay(other); !strings.Contains(out, "another policy; other decisions from turn") {
		t.Errorf("replay under another policy says:\n%s", out)
	}
}
