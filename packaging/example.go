package packaging

import (
	"fmt"
	"strings"
)

// entry is a piece of the example policy: comment lines, and the key or table they explain.
type entry struct {
	comment []string // without "# "
	line    string   // the key and its value, or the table's header; "" for a comment alone
}

// table reports whether the entry begins a table.
func (e entry) table() bool { return strings.HasPrefix(e.line, "[") }

// key returns the name of the key.
func (e entry) key() string {
	name, _, _ := strings.Cut(e.line, " = ")
	return name
}

// entries takes an example policy apart. Each key must stand on one line, as "key = value", right
// below its comment.
func entries(example string) ([]entry, error) {
	var all []entry
	var e entry
	for n, raw := range strings.Split(strings.TrimRight(example, "\n"), "\n") {
		line := strings.TrimLeft(raw, " ")
		switch {
		case line == "":
			if e.comment != nil {
				all = append(all, e)
			}
			e = entry{}
		case line[0] == '#':
			e.comment = append(e.comment, strings.TrimPrefix(line[1:], " "))
		case line[0] == '[' || strings.Contains(line, " = "):
			e.line = line
			all = append(all, e)
			e = entry{}
		default:
			return nil, fmt.Errorf("read example policy: line %d is %q: want a comment, [table] or key = value", n+1, raw)
		}
	}
	if e.comment != nil {
		all = append(all, e)
	}
	return all, nil
}
