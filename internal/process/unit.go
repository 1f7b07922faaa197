package process

import (
	"path"
	"slices"
	"strings"

	"github.com/prometheus/procfs"
)

// unitOf names what a process was started as: the innermost service or scope of its control group,
// else the path of the group, else "" for one in the root group. Where the hierarchy of systemd is
// one of several (cgroups(7), version 1), that one counts, for the unified one is empty then.
func unitOf(groups []procfs.Cgroup) string {
	group := "/"
	for _, g := range groups {
		switch {
		case g.Path == "/" || g.Path == "":
		case slices.Contains(g.Controllers, "name=systemd"):
			return innermost(g.Path)
		case g.HierarchyID == 0:
			group = g.Path
		}
	}
	if group == "/" {
		return ""
	}
	return innermost(group)
}

// innermost returns the last element of a control-group path that names a unit with processes of
// its own, or the whole path.
func innermost(group string) string {
	elements := strings.Split(group, "/")
	for _, e := range slices.Backward(elements) {
		if ext := path.Ext(e); (ext == ".service" || ext == ".scope") && e != ext {
			return e
		}
	}
	return group
}
