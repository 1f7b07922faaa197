// Package script has what test scripts of the program say beyond testscript's own commands.
package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
)

// Commands returns the further commands of a script: exits, json and width.
func Commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "json": isJSON, "width": width}
}

// exits runs a command which must end with a certain status: exits STATUS PROGRAM [ARG...].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var ended *exec.ExitError
	got := 0
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// isJSON checks that stdout is one JSON object with exactly these keys: json KEY...
func isJSON(ts *testscript.TestScript, neg bool, keys []string) {
	dec := json.NewDecoder(bytes.NewReader([]byte(ts.ReadFile("stdout"))))
	var object map[string]json.RawMessage
	ts.Check(dec.Decode(&object))
	if dec.More() {
		ts.Fatalf("more than one JSON value")
	}
	for _, k := range keys {
		if _, ok := object[k]; !ok {
			ts.Fatalf("no key %q", k)
		}
		delete(object, k)
	}
	if neg || len(object) > 0 {
		ts.Fatalf("keys beyond %v: %v", keys, object)
	}
}

// width checks that no line of stdout is longer than so many columns: width COLUMNS.
func width(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: width COLUMNS")
	}
	most, err := strconv.Atoi(args[0])
	ts.Check(err)
	for _, line := range strings.Split(ts.ReadFile("stdout"), "\n") {
		if n := utf8.RuneCountInString(line); n > most {
			ts.Fatalf("%d columns, want at most %d: %s", n, most, line)
		}
	}
}
