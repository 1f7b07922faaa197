package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// positions maps the path of a key, such as "service[1].ports[0]", to its line, counted from 1.
type positions map[string]int

// line returns the line of the key or, if the file does not have it, of what would hold it.
func (p positions) line(path string) int {
	for ; path != ""; path = parentPath(path) {
		if line, ok := p[path]; ok {
			return line
		}
	}
	return 1
}

// has reports whether the file has the key.
func (p positions) has(path string) bool {
	_, ok := p[path]
	return ok
}

// joinKey appends one part of a dotted key to a path and quotes it where TOML would.
func joinKey(path, part string) string {
	bare := part != "" && strings.IndexFunc(part, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
	if !bare {
		part = strconv.Quote(part)
	}
	if path == "" {
		return part
	}
	return path + "." + part
}

func joinIndex(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// parentPath returns the path of what holds path, or "". It may stop inside a quoted key, where
// no line is known and the search goes on.
func parentPath(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

// withoutIndexes returns the name of the key at a path: "service.ports" for "service[1].ports[0]".
func withoutIndexes(path string) string {
	var b strings.Builder
	for path != "" {
		name, rest, _ := strings.Cut(path, "[")
		b.WriteString(name)
		_, path, _ = strings.Cut(rest, "]")
	}
	return b.String()
}
