package control

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// withShared adds to a warning that every user may make files where the socket is, if so.
func withShared(warning, path string) string {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o002 == 0 {
		return warning
	}
	return strings.TrimPrefix(warning+"; "+fmt.Sprintf("every user may make files in %s, so whoever comes first can keep ebbgate from "+
		"starting, or pose as it: put control.socket into a directory that only root or the daemon may write to", dir), "; ")
}
