package lab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Counter reads a counter of the namespace's kernel by its group and name, as they stand in
// /proc/net/snmp and /proc/net/netstat: "TcpExt", "SyncookiesSent". See proc_net(5). A counter the
// kernel does not have is an error.
func (n *Namespace) Counter(group, name string) (uint64, error) {
	var text strings.Builder
	err := n.Do(func() error {
		for _, path := range []string{"/proc/thread-self/net/snmp", "/proc/thread-self/net/netstat"} {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text.Write(b)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("read the counter %s.%s of %q: %w", group, name, n.name, err)
	}
	v, err := findCounter(text.String(), group, name)
	if err != nil {
		return 0, fmt.Errorf("read the counter %s.%s of %q: %w", group, name, n.name, err)
	}
	return v, nil
}

// findCounter reads the two lines of a group: its names, and below them the values.
func findCounter(text, group, name string) (uint64, error) {
	column := -1
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != group+":" {
			continue
		}
		if column >= 0 {
			if column >= len(fields) {
				return 0, fmt.Errorf("the kernel gives %d values only", len(fields)-1)
			}
			return strconv.ParseUint(fields[column], 10, 64)
		}
		for i, f := range fields {
			if f == name {
				column = i
			}
		}
		if column < 0 {
			return 0, fmt.Errorf("this kernel does not count it")
		}
	}
	return 0, fmt.Errorf("this kernel has no such group")
}
