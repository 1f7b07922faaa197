package packaging

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestScripts has shellcheck read every script of the project.
func TestScripts(t *testing.T) {
	var scripts []string
	for _, pattern := range []string{"*", "../scripts/*", "../scripts/*/*", "../scripts/*/*/*", "../.ci/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if info, err := os.Stat(file); err == nil && info.IsDir() {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.HasPrefix(text, []byte("#!")) {
				scripts = append(scripts, file)
			}
		}
	}
	if len(scripts) < 10 {
		t.Errorf("found only the scripts %v", scripts)
	}
	output(t, "shellcheck", scripts...)
}
