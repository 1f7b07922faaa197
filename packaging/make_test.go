package packaging

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVersionIsAskedOnce counts how often make has git asked, and by which targets.
func TestVersionIsAskedOnce(t *testing.T) {
	source := filepath.Join(t.TempDir(), "source")
	copySource(t, "..", source)
	asked := filepath.Join(t.TempDir(), "asked")
	if err := os.WriteFile(filepath.Join(source, "packaging", "version"), []byte("#!/bin/sh\necho x >>"+asked+"\necho 1.2-3-1 5\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what    string
		env     []string
		targets []string
		times   int
		want    string // among the commands
	}{
		{"all that has a version", nil, []string{"all", "deb"}, 1, "-X main.version=1.2-3'"},
		{"the time of its commit", nil, []string{"manual"}, 1, "SOURCE_DATE_EPOCH='5'"},
		{"another version", []string{"DEB_VERSION=4-1"}, []string{"build"}, 0, "-X main.version=4'"},
		{"somebody's variable", []string{"VERSION=evil"}, []string{"build"}, 1, "-X main.version=1.2-3'"},
		{"nothing with a version", nil, []string{"install", "uninstall", "clean"}, 0, "rm -rf bin"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			if err := os.RemoveAll(asked); err != nil {
				t.Fatal(err)
			}
			out, err := tryMake(source, tt.env, append([]string{"-n"}, tt.targets...)...)
			if err != nil || !strings.Contains(out, tt.want) {
				t.Errorf("%v; want %q in\n%s", err, tt.want, out)
			}
			times, err := os.ReadFile(asked)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if got := strings.Count(string(times), "x"); got != tt.times {
				t.Errorf("asked %d times, want %d", got, tt.times)
			}
		})
	}
}

// TestCheckoutThatGitDoesNotTell: what is built there can be tried, and is not packed under a wrong name.
func TestCheckoutThatGitDoesNotTell(t *testing.T) {
	source := filepath.Join(t.TempDir(), "source")
	copySource(t, "..", source)
	if err := os.WriteFile(filepath.Join(source, ".git"), []byte("gitdir: /nonexistent\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"deb", "stage", "all"} {
		out, err := tryMake(source, nil, "GO=echo go", target)
		if err == nil || strings.Count(out, "fatal: not a git repository: /nonexistent") != 1 || !strings.Contains(out, "say DEB_VERSION= and SOURCE_DATE_EPOCH=") {
			t.Errorf("make %s: %v\n%s", target, err, out)
		}
	}
	if out, err := tryMake(source, nil, "GO=echo go", "build"); err != nil || !strings.Contains(out, "main.version=devel ") {
		t.Errorf("make build: %v\n%s", err, out)
	}
	if out, err := tryMake(source, []string{"SOURCE_DATE_EPOCH=" + testEpoch, "DEB_VERSION=" + testVersion}, "versioned"); err != nil || strings.Contains(out, "fatal") {
		t.Errorf("make versioned, of a given version: %v\n%s", err, out)
	}
}
