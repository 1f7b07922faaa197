package nstest

import (
	"os"
	"slices"
	"strings"
)

// MakeEnviron returns the environment for a make that a test runs: what the test was given, less what
// a make that runs the tests has left in it and what would change the version of what is built, and
// then the settings, each as NAME=VALUE.
func MakeEnviron(settings ...string) []string {
	inherited := slices.DeleteFunc(os.Environ(), func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		return strings.HasPrefix(name, "MAKE") || strings.HasPrefix(name, "DEB_") || slices.Contains(makeNames, name)
	})
	return append(inherited, settings...)
}

// makeNames are the variables, besides those of known beginnings, that a make passes on to what it runs, or
// takes from where it is run.
var makeNames = []string{"MFLAGS", "DESTDIR", "PURGE", "SOURCE_DATE_EPOCH"}
