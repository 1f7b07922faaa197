package control

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"ebbgate/policy"
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

// answers are what the sections of docs/api.md show, by their headings.
func answers() map[string]any {
	status, explanation, past := peace(), explained(), past()
	status.Services, explanation.Services, past.Attacks = status.Services[:1], explanation.Services[:1], past.Attacks[:1]
	past.Attacks[0].Policy = AttackPolicyOf(&policy.Service{Capacity: 2500, Response: policy.Response{Lease: 30 * time.Second, Quiet: time.Minute},
		Connections: policy.Connections{PerSource: 100, CloseExcess: true, PerPrefix: []policy.PrefixLimit{{Bits: 24, Max: 800}, {IPv6: true, Bits: 48, Max: 800}}}})
	event := happened().Events[3]
	return map[string]any{
		"Status":  envelope[Status]{Result: status.bounded()},
		"Attacks": envelope[Attacks]{Result: past.bounded()},
		"Samples": envelope[Samples]{Result: &Samples{ID: "3", Step: Duration(time.Second), Samples: []Sample{
			{At: night(2, 59, 0, 0), Held: 2104, Within: 612, Limited: 12, Opened: 5400, Refused: 310, Queue: 88},
			{At: night(2, 59, 1, 0), Held: 1804, Within: 640, Limited: 14, Blocks: 2, Opened: 5100, Refused: 4950}}}},
		"Explain": envelope[Explanation]{Result: explanation.bounded()},
		"Events":  envelope[Events]{Result: &Events{At: night(3, 0, 4, 0), Events: []Event{event}, Next: event.ID}},
		"Reload": envelope[Reload]{Result: NewReload(night(2, 0, 0, 0), "/etc/ebbgate/config.toml", 2, nil,
			policy.Problems{{File: "/etc/ebbgate/config.toml", Line: 12, Key: "service[0].ports[0]", Text: "70000 is not a port, must be 1 to 65535"}})},
	}
}

// TestExamplesAreAnswers holds each example against what the server writes, but for its line breaks.
func TestExamplesAreAnswers(t *testing.T) {
	b, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for heading, answer := range answers() {
		want, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		_, section, _ := strings.Cut(string(b), "\n## "+heading+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		_, example, _ := strings.Cut(section, "```json\n")
		example, _, _ = strings.Cut(example, "```")
		var got bytes.Buffer
		if err := json.Compact(&got, []byte(example)); err != nil || got.String() != string(want) {
			t.Errorf("%s, %v: the example is\n%s\nthe answer is\n%s", heading, err, got.String(), want)
		}
	}
}
