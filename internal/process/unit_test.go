package process

import (
	"testing"

	"github.com/prometheus/procfs"
)

func TestUnitOf(t *testing.T) {
	v2 := func(path string) []procfs.Cgroup { return []procfs.Cgroup{{Path: path}} }
	tests := []struct {
		name   string
		groups []procfs.Cgroup
		want   string
	}{
		{"none", nil, ""},
		{"root", v2("/"), ""},
		{"service", v2("/system.slice/nginx.service"), "nginx.service"},
		{"instance in a slice", v2("/system.slice/system-postgresql.slice/postgresql@15-main.service"), "postgresql@15-main.service"},
		{"group within a service", v2("/system.slice/containerd.service/kubepods/pod1"), "containerd.service"},
		{"user's service", v2("/user.slice/user-1000.slice/user@1000.service/app.slice/web.service"), "web.service"},
		{"session", v2("/user.slice/user-0.slice/session-3.scope"), "session-3.scope"},
		{"container", v2("/system.slice/docker-0123abcd.scope"), "docker-0123abcd.scope"},
		{"no unit", v2("/docker/0123abcd"), "/docker/0123abcd"},
		{"slice only", v2("/system.slice"), "/system.slice"},
		{"a name that is only a suffix", v2("/a/.service"), "/a/.service"},
		{"hybrid", []procfs.Cgroup{
			{HierarchyID: 9, Controllers: []string{"name=systemd"}, Path: "/system.slice/ssh.service"},
			{HierarchyID: 4, Controllers: []string{"memory"}, Path: "/somewhere/else"},
			{Path: "/"},
		}, "ssh.service"},
		{"controllers only", []procfs.Cgroup{{HierarchyID: 4, Controllers: []string{"memory"}, Path: "/somewhere"}}, ""},
	}
	for _, tt := range tests {
		if got := unitOf(tt.groups); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
