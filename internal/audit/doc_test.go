package audit

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// TestEveryFindingIsDocumented holds the table of docs/audit.md against Topics.
func TestEveryFindingIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []Topic
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| (.+) \\|$").FindAllSubmatch(page, -1) {
		got = append(got, Topic{string(row[1]), string(row[2])})
	}
	if want := Topics(); !slices.Equal(got, want) {
		t.Errorf("docs/audit.md has\n%v\nthe code has\n%v", got, want)
	}
}

func TestEveryFindingIsATopicOnce(t *testing.T) {
	known := make(map[string]bool)
	for _, topic := range Topics() {
		if known[topic.ID] || topic.About == "" {
			t.Errorf("%q", topic)
		}
		known[topic.ID] = true
	}
	for _, tt := range troubles {
		f := healthy()
		tt.change(f)
		for _, x := range Examine(f, tt.services) {
			if !known[x.ID] {
				t.Errorf("%s is in no list", x.ID)
			}
		}
	}
}
