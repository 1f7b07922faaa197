package control

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestEveryEndpointIsDocumented names what docs/api.md lacks.
func TestEveryEndpointIsDocumented(t *testing.T) {
	b, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	for _, e := range bare().api() {
		if !strings.Contains(doc, "http://ebbgate"+e.path) {
			t.Errorf("docs/api.md has no line of curl for %s %s", e.method, e.path)
		}
		for _, p := range e.params {
			if !strings.Contains(doc, "`"+p+"`") && !strings.Contains(doc, p+"=") {
				t.Errorf("docs/api.md does not tell of the parameter %s of %s", p, e.path)
			}
		}
	}
}

// TestSourcesAreDocumented holds the fields of the section against those of the types, both ways.
func TestSourcesAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(b), "## Sources\n")
	_, example, fenced := strings.Cut(rest, "```json\n")
	example, _, _ = strings.Cut(example, "```")
	if !found || !fenced {
		t.Fatal("docs/api.md has no section of sources with an example")
	}
	if want, err := os.ReadFile("testdata/sources_some.json"); err != nil || strings.TrimSpace(example) != strings.TrimSpace(string(want)) {
		t.Errorf("the example is not what the daemon answers, which testdata/sources_some.json has (%v)", err)
	}
	for _, v := range []any{Sources{}, Source{}, SourceRest{}, SourceCounts{}} {
		for i := range reflect.TypeOf(v).NumField() {
			name := reflect.TypeOf(v).Field(i).Tag.Get("json")
			if !strings.Contains(example, `"`+name+`":`) {
				t.Errorf("the example lacks the field %s of %T", name, v)
			}
		}
	}
}
