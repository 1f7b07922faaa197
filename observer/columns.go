package observer

import (
	"bytes"
	"fmt"
	"strconv"
)

// column is one counter of /proc/net/snmp or /proc/net/netstat, found by name because kernels
// differ in what they have and in which order.
type column struct {
	table, name string
	value       uint64
	found       bool
}

// readColumns fills want from the content of a file that consists of pairs of lines, names above
// values, each line beginning with the name of its table (proc_net(5)). Columns the file does not
// have are left as not found. An error means that the content contradicts its own form; nothing in
// want can be trusted then.
func readColumns(b []byte, want []column) error {
	for i := range want {
		want[i].value, want[i].found = 0, false
	}
	for len(b) > 0 {
		var names, values []byte
		names, b, _ = bytes.Cut(b, []byte("\n"))
		values, b, _ = bytes.Cut(b, []byte("\n"))
		table, names := nextField(names)
		again, values := nextField(values)
		if len(table) < 2 || table[len(table)-1] != ':' || !bytes.Equal(table, again) {
			return fmt.Errorf("line of table %q is followed by one of %q", clip(table), clip(again))
		}
		if err := readPair(table[:len(table)-1], names, values, want); err != nil {
			return err
		}
	}
	return nil
}

// readPair takes the wanted columns out of one pair of lines.
func readPair(table, names, values []byte, want []column) error {
	for {
		var name, value []byte
		name, names = nextField(names)
		value, values = nextField(values)
		if len(name) == 0 || len(value) == 0 {
			return nil
		}
		for i := range want {
			c := &want[i]
			if c.name != string(name) || c.table != string(table) {
				continue
			}
			n, err := strconv.ParseUint(string(value), 10, 64)
			if err != nil {
				return fmt.Errorf("%s of table %s is %q, not a number", c.name, c.table, clip(value))
			}
			c.value, c.found = n, true
		}
	}
}

// nextField returns the first word of b and what follows it. It is empty at the end.
func nextField(b []byte) (field, rest []byte) {
	b = bytes.TrimLeft(b, " ")
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		return b[:i], b[i:]
	}
	return b, nil
}

// clip keeps nonsense short in messages.
func clip(b []byte) []byte { return b[:min(len(b), 32)] }
