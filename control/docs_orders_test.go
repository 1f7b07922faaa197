package control

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// workedOrder is a line of curl that gives an order, with the answer below it.
var workedOrder = regexp.MustCompile("```sh\ncurl -s --unix-socket \\$S http://ebbgate(/v1/[a-z]+) -d '([^'\n]*)'\n```\n```json\n([^`]*)```\n")

// TestWorkedOrders gives each order of docs/api.md that is shown with its answer, in their order, and holds the answer
// against what is written, but for its line breaks. Each endpoint that takes orders has one.
func TestWorkedOrders(t *testing.T) {
	const page = "../docs/api.md"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	srv, l := bare(), newLoop()
	trial := *l.reload
	trial.Until, trial.Left = TimeOf(l.wall.Add(15*time.Minute)), Duration(15*time.Minute)
	l.reload = &trial
	answerOrdersAs(t, srv, l)
	shown := map[string]bool{}
	written := workedOrder.ReplaceAllStringFunc(string(b), func(example string) string {
		m := workedOrder.FindStringSubmatch(example)
		shown[m[1]] = true
		w := tell(srv, &Peer{}, "POST", m[1], m[2])
		var got bytes.Buffer
		if err := json.Compact(&got, []byte(m[3])); (err != nil || got.String() != w.Body.String()) && !*update {
			t.Errorf("%s %s, %v: the example is\n%s\nthe answer is\n%s", m[1], m[2], err, m[3], w.Body)
		}
		return strings.Replace(example, m[3], broken(t, w.Body.Bytes())+"\n", 1)
	})
	for _, e := range srv.api() {
		if e.method == "POST" && !shown[e.path] {
			t.Errorf("docs/api.md has no worked example of POST %s", e.path)
		}
	}
	if *update {
		if err := os.WriteFile(page, []byte(written), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// broken puts line breaks into JSON, after commas.
func broken(t *testing.T, text []byte) string {
	t.Helper()
	var spaced bytes.Buffer
	quoted := false
	for i, c := range text {
		spaced.WriteByte(c)
		if c == '"' && text[max(i-1, 0)] != '\\' {
			quoted = !quoted
		}
		if !quoted && (c == ',' || c == ':') {
			spaced.WriteByte(' ')
		}
	}
	line, rest := breakAt(spaced.String(), 130)
	lines := []string{line}
	for rest != "" {
		line, rest = breakAt(strings.TrimLeft(rest, " "), 128)
		lines = append(lines, "  "+line)
	}
	return strings.Join(lines, "\n")
}
