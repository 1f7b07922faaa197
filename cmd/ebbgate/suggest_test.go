package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ebbgate/internal/suggest"
	"ebbgate/policy"
	"ebbgate/recording"
)

// recorded writes a recording of half a minute of port 80, in which ten sources hold five connections
// each and one holds 400.
func recorded(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "record")
	w, err := recording.Create(recording.Config{Path: path, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	var state policy.State
	if err := w.Policy("hash"); err != nil {
		t.Fatal(err)
	}
	for i := range 16 {
		o := policy.Observation{At: policy.Instant(i+1) * policy.Instant(2*time.Second), Wall: int64(i) * int64(2*time.Second),
			Listeners: []policy.Listener{{Service: "web", Local: netip.MustParseAddrPort("[::]:80")}}}
		s := policy.ServiceCensus{Service: "web", Held: 450}
		for j := range 10 {
			s.Sources = append(s.Sources, policy.SourceCensus{Source: netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/32", j)), Held: 5})
		}
		s.Sources = append(s.Sources, policy.SourceCensus{Source: netip.MustParsePrefix("198.51.100.9/32"), Held: 400})
		o.Census = policy.Census{Taken: true, Complete: true, From: o.At, Services: []policy.ServiceCensus{s}}
		next, d := policy.Step(&policy.Policy{}, state, o)
		if err := w.Write(&state, &o, &d); err != nil {
			t.Fatal(err)
		}
		state = next
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSuggestFromARecording(t *testing.T) {
	file := recorded(t)
	out := must(t, []string{`: 16 whole censuses in 30s\.$`, `^mode = "shadow"$`, `^name  = "web"$`, `^ports = \[80\]$`, `^  per_source = 20$`,
		`^  # highest sustained: 5 by 192\.0\.2\.\d, .*16 censuses, 11 sources$`, `^  # prefixes = \["198\.51\.100\.9/32"\]$`,
		`^# NOTE: Without the policy of the daemon \(--config\), attacks, exemptions and overrides in the`}, "suggest", "--recording", file)
	if _, err := policy.Parse("suggested", []byte(out)); err != nil {
		t.Error(err)
	}
	config := filepath.Join(t.TempDir(), "policy.toml")
	write(t, config, "exempt.prefixes = [\"198.51.100.9\"]\n[[service]]\nname = \"web\"\nports = [80, 443]\nconnections.per_source = 10\n")
	out = must(t, []string{`^ports = \[80, 443\]$`, `^  per_source = 20$`}, "suggest", "--recording", file, "--config", config)
	if strings.Contains(out, "Without the policy") || strings.Contains(out, "198.51.100.9") || strings.Contains(out, "mode =") {
		t.Errorf("an exempt source, or the mode, in\n%s", out)
	}
	write(t, config, "[[service]]\nname = \"web\"\nports = [80, 443]\nconnections.per_source = 100\n")
	must(t, []string{`^# NOTE: An attack on service "web" was open in 16 of 16 censuses\. Figures from an attack are`}, "suggest", "--recording", file, "--config", config)
}

func TestSuggestJSON(t *testing.T) {
	got := suggested(t, "--recording", recorded(t))
	web := got.Services[0]
	if got.Censuses != 16 || got.Seconds != 30 || web.PerSource.Proposed != 20 || web.PerSource.Sustained != 5 || len(web.Heavy) != 1 ||
		web.Heavy[0].Share != 88 || web.Capacity.Why == "" || !strings.Contains(got.TOML, "[[service]]") {
		t.Errorf("got %+v", got)
	}
}

func TestSuggestFromABrokenRecording(t *testing.T) {
	file := recorded(t)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(whole[:len(whole)-12]))
	must(t, []string{`^# NOTE: The recording ends in the middle\.$`}, "suggest", "--recording", file)
	write(t, file, "nothing of the kind")
	for _, path := range []string{file, file + ".missing"} {
		status, stdout, stderr := ebbgate(t, "suggest", "--recording", path)
		if status != exitUsage || stdout != "" || !strings.HasPrefix(stderr, "read recording: ") {
			t.Errorf("status %d, %q, %q", status, stdout, stderr)
		}
	}
}

// suggested runs suggest and reads its JSON.
func suggested(t *testing.T, args ...string) *suggest.Proposal {
	t.Helper()
	var out bytes.Buffer
	if status := execute(append([]string{"suggest", "--json"}, args...), &out, t.Output()); status != exitOK {
		t.Fatalf("status %d", status)
	}
	var got suggest.Proposal
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return &got
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
