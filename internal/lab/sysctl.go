package lab

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// sysctlPath turns net.ipv4.tcp_syncookies into its file. Only the net tree belongs to a network
// namespace; anything else would be the host's.
func sysctlPath(name string) (string, error) {
	if !strings.HasPrefix(name, "net.") || strings.ContainsAny(name, "/\x00") || strings.Contains(name, "..") {
		return "", fmt.Errorf("sysctl %q: only names below \"net.\" belong to a network namespace", name)
	}
	return "/proc/sys/" + strings.ReplaceAll(name, ".", "/"), nil
}

// Sysctl reads a setting of the namespace by its dotted name. The error matches fs.ErrNotExist if
// the kernel has no such setting.
func (n *Namespace) Sysctl(name string) (string, error) {
	path, err := sysctlPath(name)
	if err != nil {
		return "", err
	}
	var b []byte
	err = n.Do(func() (err error) {
		b, err = os.ReadFile(path)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read sysctl %s in the namespace %q: %w", name, n.name, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// SetSysctl changes a setting of the namespace. It writes nothing if the value holds already, so a
// read-only /proc/sys (as in containers) is an error only where a change is needed.
func (n *Namespace) SetSysctl(name, value string) error {
	if have, err := n.Sysctl(name); err != nil {
		return err
	} else if have == value {
		return nil
	}
	path, err := sysctlPath(name)
	if err != nil {
		return err
	}
	err = n.Do(func() error { return os.WriteFile(path, []byte(value), 0) })
	if errors.Is(err, syscall.EROFS) {
		err = fmt.Errorf("%w: mount /proc/sys read-write (containers: run privileged)", err)
	}
	if err != nil {
		return fmt.Errorf("set sysctl %s to %q in the namespace %q: %w", name, value, n.name, err)
	}
	return nil
}

// ConntrackCount returns how many entries the namespace's conntrack table holds. The error matches
// fs.ErrNotExist if this kernel has no conntrack.
func (n *Namespace) ConntrackCount() (int, error) {
	const name = "net.netfilter.nf_conntrack_count"
	s, err := n.Sysctl(name)
	if err != nil {
		return 0, err
	}
	count, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("read sysctl %s: %w", name, err)
	}
	return count, nil
}
