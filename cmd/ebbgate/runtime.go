package main

import (
	"os"
	"path/filepath"
	"strings"

	"ebbgate/policy"
)

// runtimeSocket returns where the running daemon is found by what runs within its service, whatever
// its policy says by now: in the first RuntimeDirectory= of the unit (systemd.exec(5)), which both are
// told. It is empty outside a service.
func runtimeSocket() string {
	dir, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, filepath.Base(policy.DefaultSocket))
}
