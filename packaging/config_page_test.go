package packaging

import (
	"regexp"
	"strings"
	"testing"
)

func TestEntries(t *testing.T) {
	all, err := entries("# Head.\n#\n# More.\n\n# Of a.\na = 1\n\n[t]\n# Of b:\n#     code\n  b = [1, 2]\n\n# Tail.\n")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range all {
		got = append(got, strings.Join(e.comment, "|")+">"+e.line)
	}
	want := "Head.||More.> Of a.>a = 1 >[t] Of b:|    code>b = [1, 2] Tail.>"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %q\nwant %q", strings.Join(got, " "), want)
	}
	if !all[2].table() || all[1].table() || all[3].key() != "b" {
		t.Errorf("tables and keys are mistaken: %+v", all)
	}
}

func TestEntriesOfAnotherFile(t *testing.T) {
	for _, text := range []string{"a=1\n", "# x\na = 1\n]\n", "a"} {
		if all, err := entries(text); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: got %v, %v", text, all, err)
		}
		if _, err := ConfigPage(text, "2026-01-02", "1"); err == nil {
			t.Errorf("%q: made a page of it", text)
		}
	}
}

// TestConfigPage looks in the page for every key and table, and for every word said of them.
func TestConfigPage(t *testing.T) {
	text := example(t)
	page, err := ConfigPage(text, "2026-01-02", "1")
	if err != nil {
		t.Fatal(err)
	}
	said := plain(page)
	keys := 0
	for _, m := range regexp.MustCompile(`(?m)^ *([a-z_0-9]+) = .*$`).FindAllStringSubmatch(text, -1) {
		keys++
		if line := strings.TrimSpace(m[0]); !strings.Contains(said, ".TP\n"+m[1]+"\n") || !strings.Contains(said, "\n.EX\n  "+line+"\n.EE\n") {
			t.Errorf("the page lacks %s, or its example", line)
		}
	}
	tables := 0
	for _, m := range regexp.MustCompile(`(?m)^ *(\[.*\])$`).FindAllStringSubmatch(text, -1) {
		tables++
		if !strings.Contains(said, ".SS "+m[1]+"\n") {
			t.Errorf("the page lacks %s", m[1])
		}
	}
	if keys < 30 || tables < 9 {
		t.Errorf("looked for %d keys and %d tables, the example has more", keys, tables)
	}
	first := true
	for line := range strings.Lines(text) {
		comment, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
		if ok && !first && !strings.Contains(said, strings.TrimSpace(comment)+"\n") {
			t.Errorf("the page lacks %q", comment)
		}
		first = false
	}
	if strings.Contains(page, "Example policy of ebbgate") {
		t.Error("the page says of itself that it is an example")
	}
}
