package audit

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/troubles.txt anew; read the difference before committing it")

// TestWording holds every finding's text, as an operator reads it, against testdata/troubles.txt.
func TestWording(t *testing.T) {
	const path = "testdata/troubles.txt"
	var b strings.Builder
	for _, tt := range troubles {
		f := healthy()
		tt.change(f)
		var found []Finding
		for _, x := range Examine(f, tt.services) {
			if x.ID == tt.id && x.Severity != OK {
				found = append(found, x)
			}
		}
		b.WriteString("# " + tt.name + "\n")
		text := NewReport(f, found, true).Text(Style{Width: 100, All: true})
		b.WriteString(text[:strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n")+1])
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("the text of findings has changed; got\n%s", got)
	}
}
