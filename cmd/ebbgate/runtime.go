package main

import (
	"os"
	"path/filepath"
	"strings"

	"ebbgate/policy"
)

// runtimeSocket returns where the daemon leaves a link to its socket, wherever its policy puts that: in the
// first RuntimeDirectory= of its unit (systemd.exec(5)). With the package's unit that is where every
// command looks. It is empty outside a service. Commands do not ask for it: they may be run by
// another service, which has a directory of its own.
func runtimeSocket() string {
	dir, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, filepath.Base(policy.DefaultSocket))
}
