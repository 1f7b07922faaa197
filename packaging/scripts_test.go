package packaging

import "testing"

// TestScripts has the shell and shellcheck read the scripts.
func TestScripts(t *testing.T) {
	for _, script := range []string{"install", "postinst", "postrm", "prerm", "version"} {
		output(t, "sh", "-n", script)
		output(t, "shellcheck", script)
	}
}
