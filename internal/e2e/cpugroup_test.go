package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

// cpuGroup makes a control group whose processes share the CPU with others by weight, as CPUWeight= of
// systemd.resource-control(5) counts it, and returns what to put in front of a command that is to run in
// it. It is removed with the benchmark. Without a controller that is ready for use it skips.
func cpuGroup(b *testing.B, name string, weight int) (prefix []string) {
	b.Helper()
	mount, file, value := cpuMount(b), "cpu.weight", weight
	if _, err := os.Stat(filepath.Join(mount, "cpu.shares")); err == nil {
		file, value = "cpu.shares", weight*1024/100
	}
	dir := filepath.Join(mount, "ebbgate-tick-"+strconv.Itoa(os.Getpid())+"-"+name)
	if err := os.Mkdir(dir, 0o755); errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EROFS) {
		b.Skip(err)
	} else if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		nstest.Until(b, 10*time.Second, "the control group is empty", func() error { return unix.Rmdir(dir) })
	})
	if err := os.WriteFile(filepath.Join(dir, file), []byte(strconv.Itoa(value)), 0); err != nil {
		b.Fatal(err)
	}
	return []string{"sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(dir, "cgroup.procs")}
}

// cpuMount returns where groups below have a share of the CPU: the cpu controller of version 1, or the root
// of version 2 if it gives that controller to its children already.
func cpuMount(b *testing.B) string {
	b.Helper()
	var st unix.Statfs_t
	for _, dir := range []string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup"} {
		if unix.Statfs(dir, &st) != nil {
			continue
		}
		given, _ := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control")) // absent in version 1
		fields := strings.Fields(string(given))
		for _, f := range fields {
			if f == "cpu" {
				return dir
			}
		}
		if st.Type == unix.CGROUP_SUPER_MAGIC {
			return dir
		}
	}
	b.Skip("no control group shares the CPU here")
	return ""
}
