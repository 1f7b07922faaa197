//go:build race

package e2e

// buildFlags build the program as this test was built: a race in it ends it with a status of its
// own, which the tests notice.
var buildFlags = []string{"-race"}
