package ebbgate_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLinksLeadSomewhere follows each link between the documents of the repository, to the heading too.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^):#]*)(?:#([^)]*))?\)`)
	followed := 0
	for _, path := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, path), -1) {
			to := path
			if m[1] != "" {
				to = filepath.Join(filepath.Dir(path), m[1])
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: the link %q leads nowhere", path, m[0])
				continue
			}
			if m[2] != "" && !slices.Contains(anchors(read(t, to)), m[2]) {
				t.Errorf("%s: the link %q leads to a heading that %s does not have", path, m[0], to)
			}
			followed++
		}
	}
	if followed < 50 {
		t.Errorf("only %d links were found: the documents are not read as they are written", followed)
	}
}

// TestEveryDocumentIsReachable wants each page to be named by another one.
func TestEveryDocumentIsReachable(t *testing.T) {
	pages := documents(t)
	var all strings.Builder
	for _, path := range pages {
		all.WriteString(read(t, path))
	}
	for _, path := range pages {
		if name := filepath.Base(path); name != "README.md" && !strings.Contains(all.String(), name+")") && !strings.Contains(all.String(), name+"#") {
			t.Errorf("no page has a link to %s", path)
		}
	}
}

// documents returns the Markdown files of the repository.
func documents(t *testing.T) []string {
	t.Helper()
	pages := []string{"README.md", "ARCHITECTURE.md"}
	err := filepath.WalkDir("docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// anchors returns the names by which links reach the headings of a document.
func anchors(text string) []string {
	notNamed := regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		name := notNamed.ReplaceAllString(strings.ToLower(m[1]), "")
		out = append(out, strings.ReplaceAll(name, " ", "-"))
	}
	return out
}
