package cgroup

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Mount returns the directory below root at which control groups of version 2 are mounted, where
// systemd mounts them: sys/fs/cgroup, or sys/fs/cgroup/unified beside version 1. It returns "" if
// neither is one.
func Mount(root string) string {
	for _, dir := range []string{"sys/fs/cgroup", "sys/fs/cgroup/unified"} {
		path := filepath.Join(root, dir)
		var st unix.Statfs_t
		if unix.Statfs(path, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
			return path
		}
	}
	return ""
}
