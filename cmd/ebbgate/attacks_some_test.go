package main

import (
	"net/http"
	"strings"
	"testing"
)

// TestNextPageIsOfTheSameAttacks lists a page with flags, and expects them in the line for the next one.
func TestNextPageIsOfTheSameAttacks(t *testing.T) {
	more := "true"
	d := fakeDaemon(t, func(*http.Request) string {
		return `{"result": {"attacks": [{"id": "9"}, {"id": "7"}], "more": ` + more + `}}`
	})
	for _, tt := range []struct {
		args []string
		want string // without --socket
	}{
		{nil, "ebbgate attacks --before 7"},
		{[]string{"--service", "web", "--since", "24h", "-n", "2", "--before", "10"}, "ebbgate attacks --limit 2 --service web --since 24h --before 7"},
		{[]string{"--open", "--kind=churn"}, "ebbgate attacks --kind churn --open --before 7"},
		{[]string{"--open=false", "--since", "2026-03-13 22:01"}, "ebbgate attacks --since '2026-03-13 22:01' --before 7"},
		{[]string{"--service", "it's\u009b"}, `ebbgate attacks --service 'it'\''s\x9b' --before 7`},
	} {
		var out, errs strings.Builder
		status := execute(append([]string{"attacks", "--socket", d.path}, tt.args...), &out, &errs)
		_, next, told := strings.Cut(strings.TrimSuffix(out.String(), "\n"), "older ones are kept: ")
		if next = strings.Replace(next, " --socket "+d.path, "", 1); status != exitOK || !told || next != tt.want {
			t.Errorf("%q: exit %d, %s, next is %s; want %s", tt.args, status, &errs, next, tt.want)
		}
	}
	more = "false"
	var out strings.Builder
	if status := execute([]string{"attacks", "--socket", d.path}, &out, &strings.Builder{}); status != exitOK || strings.Contains(out.String(), "--before") {
		t.Errorf("exit %d: %s", status, &out)
	}
}
