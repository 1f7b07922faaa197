package metrics

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ebbgate/control"
)

// TestPartsAreThoseOfTheDaemon reads in the sources what parts there are: one that is missing would be shown
// as other, and one too many never.
func TestPartsAreThoseOfTheDaemon(t *testing.T) {
	found := make(map[string]bool)
	for dir, patterns := range map[string][]string{
		"../daemon":   {`faults\.(?:set|mark)\("([^"]+)"`, `\w+Part\s*=\s*"([^"]+)"`},
		"../observer": {`policy\.Fault\{Part: "([^"]+)"`, `\bfault\("([^"]+)"`},
	} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%v, %v", files, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range patterns {
				for _, m := range regexp.MustCompile(p).FindAllStringSubmatch(string(src), -1) {
					part := m[1]
					if dir == "../observer" {
						part = "observe " + part
					}
					found[part] = true
				}
			}
		}
	}
	parts := control.Parts()
	for part := range found {
		if !slices.Contains(parts, part) {
			t.Errorf("%q can be at fault and is not in control.Parts", part)
		}
	}
	for _, part := range parts {
		if !found[part] {
			t.Errorf("%q is in control.Parts, and nothing sets it", part)
		}
	}
}
