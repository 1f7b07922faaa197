package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// stranger is a user in no group of anybody's; nobody's group may view.
const stranger = 65533

// as makes a command run as a user without any privilege, in the group of the same number alone.
func as(id uint32, cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
	return cmd
}

// TestWhoIsNotRootChangesNothing gives every command to a stranger, who gets nothing, and to a member of the view
// group, who may look. Neither can send the daemon a signal, touch its rules or its files, or do any of it from
// namespaces of his own.
func TestWhoIsNotRootChangesNothing(t *testing.T) {
	s := newStage(t)
	server := s.server(everywhere(), capacity)
	s.write(policyFile{}.viewedBy(s.socket()))
	d := s.start(command("run", "--config", s.config()))
	flood := s.flood(v4(), lab.AttackRange().IPv4(8), 2000)
	d.awaitStatus("all sources are limited", limiting(8))
	attacker := lab.AttackRange().IPv4(1)[0].String()
	before := d.status()
	for _, look := range [][]string{{"status"}, {"sources"}, {"attacks"}, {"attacks", "1"}, {"events"}, {"explain", attacker}, {"ruleset"}} {
		args := append(look, "--json", "--socket", s.socket())
		if err := s.run(s.Victim, as(stranger, command(args...))).saysOneLine(1, "not permitted"); err != nil {
			t.Errorf("%v for a stranger: %v", look, err)
		}
		if o := s.run(s.Victim, as(nobody, command(args...))); o.status != 0 || !strings.HasPrefix(o.stdout, "{") {
			t.Errorf("%v for a viewer: %+v", look, o)
		}
	}
	for _, act := range [][]string{
		{"block", "10.78.0.1"}, {"unblock", attacker}, {"exempt", attacker}, {"unexempt", attacker},
		{"mode", "shadow"}, {"mode", "shadow", "--for", "1m"}, {"reload"}, {"reload", "--for", "1m"}, {"confirm"},
	} {
		for _, id := range []uint32{stranger, nobody} {
			o := s.run(s.Victim, as(id, command(append(act, "--socket", s.socket())...)))
			if err := o.saysOneLine(1, "not permitted"); err != nil {
				t.Errorf("%v for user %d: %v", act, id, err)
			}
		}
	}
	s.trespass(d)
	after := d.awaitStatus("everything is as before", limiting(8))
	if len(after.Modes) > 0 || len(after.Exempt) != len(before.Exempt) || after.Reload != nil || after.PID != before.PID ||
		after.Services[0].Mode != policy.Enforce || after.Services[0].BlocksTotal != 0 {
		t.Errorf("something has changed: %+v", after)
	}
	s.awaitLimited(perSource, server, flood)
}

// trespass tries what the kernel keeps from a stranger, and from a viewer.
func (s *stage) trespass(d *daemon) {
	s.t.Helper()
	pid := fmt.Sprint(d.cmd.Process.Pid)
	for name, args := range map[string][]string{
		"a signal":                               {"sh", "-c", "kill -TERM $0", pid},
		"reading its memory":                     {"cat", "/proc/" + pid + "/environ"},
		"its descriptors":                        {"ls", "/proc/" + pid + "/fd"},
		"another socket in its place":            {"ln", "-f", "/dev/null", s.socket()},
		"its lock":                               {"rm", "-f", s.socket() + ".lock"},
		"its policy":                             {"sh", "-c", ": >$0", s.config()},
		"the rules":                              {"nft", "list", "table", "inet", "ebbgate"},
		"deleting the table":                     {"nft", "delete", "table", "inet", "ebbgate"},
		"cutting connections":                    {program, "close", "--source", "10.66.0.0/16", "--yes"},
		"a second daemon":                        {program, "run", "--config", s.config()},
		"the rules, as root of a user namespace": {"unshare", "--user", "--map-root-user", "nft", "delete", "table", "inet", "ebbgate"},
	} {
		for _, id := range []uint32{stranger, nobody} {
			if o := s.run(s.Victim, as(id, exec.Command(args[0], args[1:]...))); o.status == 0 {
				s.t.Errorf("%s for user %d: %+v", name, id, o)
			}
		}
	}
}

// TestTablesOfOtherNamespacesMeanNothing lets a stranger, as root of namespaces of his own, make a table of our name
// and run a daemon with our policy.
func TestTablesOfOtherNamespacesMeanNothing(t *testing.T) {
	s, server, flood, d := attacked(t)
	before := d.status()
	const own = `nft add table inet ebbgate && nft add chain inet ebbgate pre "{ type filter hook prerouting priority -400; policy drop; }" && nft list tables`
	o := s.run(s.Victim, as(stranger, exec.Command("unshare", "--user", "--net", "--map-root-user", "sh", "-c", own)))
	if strings.Contains(o.stderr, "unshare: ") {
		t.Logf("the machine lets no user have namespaces: %s", o.stderr)
	} else if o.status != 0 || !strings.Contains(o.stdout, "ebbgate") {
		t.Errorf("in his own namespace: %+v", o)
	}
	o = s.run(s.Victim, as(stranger, exec.Command("unshare", "--user", "--net", "--map-root-user", program, "run", "--config", s.config())))
	if o.status != 1 {
		t.Errorf("a daemon in his own namespace: %+v", o)
	}
	after := d.awaitStatus("the sources are limited as before", limiting(8))
	if after.PID != before.PID {
		t.Errorf("pid %d, before %d", after.PID, before.PID)
	}
	if p := s.table.Presences(); len(p) != 1 || !p[0].Gone.IsZero() {
		t.Errorf("the table came and went: %v", p)
	}
	s.awaitLimited(perSource, server, flood)
}
