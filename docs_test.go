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

// TestNamedTestsExist looks for each test, fuzz target and benchmark that a page names as the one that shows something.
func TestNamedTestsExist(t *testing.T) {
	there := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	if err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range declared.FindAllStringSubmatch(read(t, path), -1) {
				there[m[1]] = true
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)`")
	for _, path := range documents(t) {
		all := named.FindAllStringSubmatch(read(t, path), -1)
		for _, m := range all {
			if !there[m[1]] {
				t.Errorf("%s names %s, and there is none", path, m[1])
			}
		}
		if filepath.Base(path) == "security.md" && len(all) < 100 {
			t.Errorf("%s names %d tests: they are not read as they are written", path, len(all))
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
