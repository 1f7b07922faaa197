package top

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// docs is the page whose pictures are goldens.
const docs = "../../docs/top.md"

// TestDocsShowTheGoldens keeps the pictures of the documentation true: a line that names one is followed by it.
func TestDocsShowTheGoldens(t *testing.T) {
	b, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	want, pictures := illustrated(t, string(b))
	if pictures != 3 {
		t.Errorf("%d pictures, want 3", pictures)
	}
	if *update {
		if err := os.WriteFile(docs, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("%s: -want +got, -update rewrites it:\n%s", docs, diff)
	}
}

// illustrated returns a page with the block after each line that names a picture replaced by it.
func illustrated(t *testing.T, page string) (string, int) {
	t.Helper()
	const fence = "```"
	var out strings.Builder
	n := 0
	lines := strings.SplitAfter(page, "\n")
	for i := 0; i < len(lines); i++ {
		out.WriteString(lines[i])
		name, found := strings.CutPrefix(lines[i], "<!-- picture: ")
		if !found {
			continue
		}
		n++
		text := helpText + "\n"
		if name = strings.TrimSuffix(name, " -->\n"); name != "help" {
			b, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		out.WriteString(fence + "text\n" + text + fence + "\n")
		if i+1 < len(lines) && strings.HasPrefix(lines[i+1], fence) {
			for i += 2; i < len(lines) && lines[i] != fence+"\n"; i++ {
			}
		}
	}
	return out.String(), n
}

// TestDocsNameEveryWord: the page explains what SERVED can say.
func TestDocsNameEveryWord(t *testing.T) {
	b, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"`yes`", "`waits`", "`PARTLY`", "`NO`", "`FULL`", "`?`", "`PEACE`", "`ATTACK`", "`SLOW`", "`DEGRADED`", "`SHADOW`"} {
		if !strings.Contains(string(b), word) {
			t.Errorf("%s is not explained", word)
		}
	}
}
