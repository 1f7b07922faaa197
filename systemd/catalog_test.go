package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ebbgate/control"
)

// ownMessages are the events of the log itself.
var ownMessages = []string{"lines-left-out", "records-left-out"}

// explained reads the catalog: each message ID with its text.
func explained(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("ebbgate.catalog")
	if err != nil {
		t.Fatal(err)
	}
	entries := make(map[string]string)
	_, text, _ := strings.Cut(string(b), "\n-- ")
	for _, entry := range strings.Split(text, "\n-- ") {
		id, rest, _ := strings.Cut(entry, "\n")
		if _, twice := entries[id]; twice {
			t.Errorf("%s is explained twice", id)
		}
		entries[id] = rest
	}
	return entries
}

// TestCatalogExplainsEveryEvent: each has an entry with a subject, what it means and what to do, and the page
// of the documentation lists it with its ID.
func TestCatalogExplainsEveryEvent(t *testing.T) {
	page, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	names := ownMessages
	for _, k := range control.EventKinds() {
		names = append(names, string(k))
	}
	entries := explained(t)
	shape := regexp.MustCompile(`(?s)^Subject: [^\n]{10,90}\nDefined-By: ebbgate\nDocumentation: man:ebbgate\(8\)\n\n.{40,}\n\n.{15,}\n*$`)
	for _, name := range names {
		id := MessageID(name)
		entry, ok := entries[id]
		switch {
		case !ok:
			t.Errorf("%s (%s) has no entry", name, id)
		case !shape.MatchString(entry):
			t.Errorf("%s does not have a subject, what it means and what to do:\n%s", name, entry)
		}
		delete(entries, id)
		if row := "| `" + name + "` |"; !strings.Contains(string(page), row) || !strings.Contains(string(page), "`"+id+"`") {
			t.Errorf("docs/events.md has no row for %s with its message ID %s", name, id)
		}
	}
	for id, entry := range entries {
		t.Errorf("%s is the ID of no event:\n%s", id, entry)
	}
}

// fieldOfText is what journalctl replaces in a text of the catalog.
var fieldOfText = regexp.MustCompile(`@([A-Z_]+)@`)

// TestCatalogNamesFieldsThereAre: journalctl leaves out what a record does not have, and a typing error with it.
func TestCatalogNamesFieldsThereAre(t *testing.T) {
	there := make(map[string]bool)
	for _, key := range []string{"version", "policy", "part", "service", "attack", "mode", "source", "count", "rule", "measured", "threshold", "why", "first", "last", "warnings"} {
		there[fieldName(key)] = true
	}
	for id, entry := range explained(t) {
		for _, m := range fieldOfText.FindAllStringSubmatch(entry, -1) {
			if !there[m[1]] {
				t.Errorf("%s: no record has a field %s", id, m[1])
			}
		}
	}
}

// TestJournalTakesTheCatalog has systemd's own tool read it.
func TestJournalTakesTheCatalog(t *testing.T) {
	tool, err := exec.LookPath("journalctl")
	if err != nil {
		t.Fatalf("%v: it comes with systemd", err)
	}
	root := t.TempDir()
	for _, dir := range []string{"usr/lib/systemd/catalog", "var/lib/systemd/catalog"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile("ebbgate.catalog")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "usr/lib/systemd/catalog/ebbgate.catalog"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, "--root="+root, "--update-catalog").CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(tool, "--root="+root, "--list-catalog").Output()
	if err != nil {
		t.Fatal(err)
	}
	if listed, want := strings.Count(string(out), " ebbgate: "), len(explained(t)); listed != want {
		t.Errorf("it lists %d messages of %d:\n%s", listed, want, out)
	}
}
