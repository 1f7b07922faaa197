package cgroup

import "testing"

func TestUnitOf(t *testing.T) {
	tests := []struct {
		group string
		want  Unit
	}{
		{"/system.slice/ssh.service", Unit{"ssh.service", true}},
		{"/system.slice/sshd.service", Unit{"sshd.service", true}},
		{"/system.slice/ssh.socket", Unit{"ssh.socket", true}},
		{"/system.slice/sshd.socket", Unit{"sshd.socket", true}},
		{"/system.slice/system-sshd.slice/sshd@7-10.0.0.1:22-10.0.0.2:4000.service", Unit{"sshd@7-10.0.0.1:22-10.0.0.2:4000.service", true}},
		{"/system.slice/system-ssh.slice/ssh@x.service", Unit{"ssh@x.service", true}},
		{"/system.slice/sshd@x.service", Unit{"sshd@x.service", true}},

		{"/user.slice/user-1000.slice/user@1000.service/app.slice/ssh.service", Unit{"ssh.service", false}},
		{"/user.slice/user-1000.slice/user@1000.service/system.slice/ssh.service", Unit{"ssh.service", false}},
		{"/user.slice/user-1000.slice/session-4.scope", Unit{"session-4.scope", false}},
		{"/system.slice/docker-ab12.scope/system.slice/ssh.service", Unit{"ssh.service", false}},
		{"/system.slice/evil.service/ssh.service", Unit{"ssh.service", false}},
		{"/system.slice/ssh.service/inner", Unit{"ssh.service", false}},
		{"/system.slice/ssh.service/nginx.service", Unit{"nginx.service", false}},
		{"/system.slice/system-other.slice/sshd@x.service", Unit{"sshd@x.service", false}},
		{"/system.slice/system-ssh.slice/sshd@x.service", Unit{"sshd@x.service", false}},
		{"/system.slice/sshd-evil.service", Unit{"sshd-evil.service", false}},
		{"/system.slice/ssh.service.d/x.service", Unit{"x.service", false}},
		{"/system.slice/ssh@x.scope", Unit{"ssh@x.scope", false}},
		{"/other.slice/ssh.service", Unit{"ssh.service", false}},
		{"system.slice/ssh.service", Unit{"ssh.service", false}},
		{"/ssh.service", Unit{"ssh.service", false}},
		{"/system.slice/nginx.service", Unit{"nginx.service", false}},
		{"/system.slice/docker-ab12.scope", Unit{"docker-ab12.scope", false}},
		{"/system.slice/.service", Unit{}},
		{"/system.slice", Unit{}},
		{"/", Unit{}},
		{"", Unit{}},
	}
	for _, tt := range tests {
		if got := UnitOf(tt.group); got != tt.want {
			t.Errorf("%q: got %+v, want %+v", tt.group, got, tt.want)
		}
	}
}
