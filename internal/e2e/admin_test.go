package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
)

// adminPolicy is the head of a policy with administrators.
const adminPolicy = `mode = "enforce"
[exempt]
ssh_groups = ["daemon"]
[control]
socket = %q
view_group = ""
[history]
path = ""
`

// adminService is a service of it: its name and port.
const adminService = `[[service]]
name = %q
ports = [%d]
[service.connections]
per_source = 100
[service.response]
lease = "3s"
quiet = "1s"
block_after = "0s"
`

// TestOnlyAdministratorsAreExempt has six hosts open 150 connections each to sshd, where 100 are
// allowed. Root and a member of exempt.ssh_groups are logged in from two of them. An ordinary user is from
// the third, one whose session names its host like an address from the fourth; a session of another
// service tells of the fifth; and the sixth has its connections only. Elsewhere an administrator is like
// anybody.
func TestOnlyAdministratorsAreExempt(t *testing.T) {
	const holds = 150
	s := newStage(t)
	from := lab.AttackRange().IPv4(6)
	sessions := t.TempDir()
	for i, record := range []string{
		sessionOf(0, from[0].String(), "sshd"),
		sessionOf(1, from[1].String(), "sshd"), // daemon, whose group is daemon
		sessionOf(65534, from[2].String(), "sshd"),
		sessionOf(0, from[3].String()+".example.net", "sshd"),
		sessionOf(0, from[4].String(), "vsftpd"),
	} {
		if err := os.WriteFile(filepath.Join(sessions, fmt.Sprint(i+1)), []byte(record), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var server *lab.Server
	group := fmt.Sprintf("/system.slice/sshd@ebbgate-e2e-%d.service", os.Getpid())
	t.Cleanup(nstest.InCgroup(t, group, func() { server = s.server(everywhere(), capacity) }))
	elsewhere := netip.AddrPortFrom(netip.IPv6Unspecified(), port+1)
	web := s.server(elsewhere, capacity)
	s.write(fmt.Sprintf(adminPolicy+adminService+adminService, s.socket(), "ssh", port, "web", port+1))
	d := s.start(withSessions(sessions, "run", "--config", s.config()))
	d.awaitStatus("the administrators are known", func(s *control.Status) error {
		if got := fmt.Sprint(s.Admins.Ports, s.Admins.Addresses); got != fmt.Sprint([]uint16{port}, from[:2]) {
			return errors.New(got)
		}
		return healthy(s)
	})
	s.hoard(s.Attackers, lab.HoardConfig{Target: v4(), Sources: from, PerSource: holds, Payload: lab.PartialRequest()})
	s.hoard(s.Attackers, lab.HoardConfig{Target: netip.AddrPortFrom(v4().Addr(), port+1), Sources: from[:1], PerSource: holds, Payload: lab.PartialRequest()})
	await(t, soon, "the administrators hold all, the others what is allowed", func() error {
		held := server.HeldBy()
		for i, addr := range from {
			if n := held[addr]; i < 2 && n != holds || i >= 2 && (n == 0 || n > perSource) {
				return fmt.Errorf("%v holds %d", addr, n)
			}
		}
		if n := web.HeldBy()[from[0]]; n == 0 || n > perSource {
			return fmt.Errorf("elsewhere the administrator holds %d", n)
		}
		return nil
	})
	status := d.awaitStatus("the others are limited", func(s *control.Status) error {
		if n := s.Services[0].LimitsTotal; n != 4 || s.Services[1].LimitsTotal != 1 {
			return fmt.Errorf("%d are, and %d elsewhere", n, s.Services[1].LimitsTotal)
		}
		return healthy(s)
	})
	for _, l := range status.Services[0].Limits {
		if l.Source.Contains(from[0]) || l.Source.Contains(from[1]) {
			t.Errorf("limit %+v of an administrator", l)
		}
	}
}

// sessionOf is the login manager's record of a session.
func sessionOf(uid int, host, service string) string {
	return fmt.Sprintf("# This is private data. Do not parse.\nUID=%d\nUSER=somebody\nACTIVE=1\nIS_DISPLAY=0\nSTATE=active\nREMOTE=1\nTYPE=tty\n"+
		"ORIGINAL_TYPE=tty\nCLASS=user\nREMOTE_HOST=%s\nSERVICE=%s\nLEADER=1\nAUDIT=1\nREALTIME=1\nMONOTONIC=1\n", uid, host, service)
}

// withSessions is a command of the program to which a directory stands where the login manager keeps its
// sessions: in a mount namespace of its own.
func withSessions(dir string, args ...string) *exec.Cmd {
	const script = `mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/sessions && mount --bind "$0" /run/systemd/sessions && exec "$@"`
	cmd := command()
	cmd.Args = append([]string{"unshare", "--mount", "sh", "-c", script, dir, program}, args...)
	cmd.Path, cmd.Err = exec.LookPath("unshare")
	return cmd
}
