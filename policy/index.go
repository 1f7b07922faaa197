package policy

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// maxDepth bounds how deep keys, arrays and inline tables may nest. The deepest accepted key,
// the length of a per_prefix in an array of services, has six levels; the decoder's cost grows with the square of the depth.
const maxDepth = 8

// indexer walks the syntax tree of a file. The decoder itself cannot tell the lines inside
// repeated tables: it stores keys by name, without the index of their table.
type indexer struct {
	tree     unstable.Parser
	starts   []int // offset of each line
	lines    positions
	repeats  map[string]int   // path of a repeated table: how many the file had so far
	table    string           // path of the table of the last header
	depth    int              // number of its parts
	twice    []unstable.Range // keys with their values that repeat an earlier key
	problems *problemList
}

// indexPositions returns the lines of all keys of src. It returns false, after adding the
// problem, if src is not TOML or nested too deep. Keys given twice are added as problems and
// blanked in src, so that the rest of the file can still be decoded and checked.
func indexPositions(src []byte, problems *problemList) (positions, bool) {
	x := &indexer{lines: positions{}, repeats: map[string]int{}, starts: []int{0}, problems: problems}
	for i, c := range src {
		if c == '\n' {
			x.starts = append(x.starts, i+1)
		}
	}
	x.tree.Reset(src)
	for x.tree.NextExpression() {
		if n := x.tree.Expression(); !x.expression(n) {
			problems.add(x.line(n), "", fmt.Sprintf("is nested more than %d levels deep, no key of a policy file is", maxDepth))
			return nil, false
		}
	}
	if err := x.tree.Error(); err != nil {
		x.syntax(err)
		return nil, false
	}
	for _, r := range x.twice {
		blank(src[r.Offset : r.Offset+r.Length])
	}
	return x.lines, true
}

// expression indexes a header, or a key with its value. It returns false if that nests too deep.
func (x *indexer) expression(n *unstable.Node) bool {
	parts := keyParts(n)
	if n.Kind == unstable.KeyValue {
		return x.topKeyValue(n, parts)
	}
	x.depth = len(parts)
	if x.depth > maxDepth {
		return false
	}
	if n.Kind == unstable.Table {
		x.table = x.resolve("", parts)
		x.mark(x.table, n)
		return true
	}
	last := len(parts) - 1
	base := joinKey(x.resolve("", parts[:last]), parts[last])
	x.table = joinIndex(base, x.repeats[base])
	x.repeats[base]++
	x.mark(base, n)
	x.mark(x.table, n)
	return true
}

// topKeyValue indexes a key that stands on a line of its own.
func (x *indexer) topKeyValue(n *unstable.Node, parts []string) bool {
	if x.depth+len(parts) > maxDepth {
		return false
	}
	path := x.resolve(x.table, parts)
	if first, ok := x.lines[path]; ok {
		x.problems.add(x.line(n), path, fmt.Sprintf("is given twice, first on line %d; keep one", first))
		x.twice = append(x.twice, n.Raw)
		return true
	}
	return x.keyValue(x.table, n, x.depth)
}

// keyValue indexes a key below prefix and what its value holds.
func (x *indexer) keyValue(prefix string, n *unstable.Node, depth int) bool {
	parts := keyParts(n)
	if depth += len(parts); depth > maxDepth {
		return false
	}
	path := x.resolve(prefix, parts)
	x.mark(path, n)
	return x.value(path, n.Value(), depth)
}

func (x *indexer) value(path string, n *unstable.Node, depth int) bool {
	if depth > maxDepth {
		return false
	}
	children := n.Children()
	for i := 0; children.Next(); i++ {
		child := children.Node()
		if n.Kind == unstable.InlineTable {
			if !x.keyValue(path, child, depth) {
				return false
			}
			continue
		}
		element := joinIndex(path, i)
		x.mark(element, child)
		if !x.value(element, child, depth+1) {
			return false
		}
	}
	return true
}

// resolve appends the parts of a key to a path and picks the newest instance of each repeated
// table on the way, as TOML does.
func (x *indexer) resolve(path string, parts []string) string {
	for _, part := range parts {
		path = joinKey(path, part)
		if n := x.repeats[path]; n > 0 {
			path = joinIndex(path, n-1)
		}
	}
	return path
}

// mark remembers the line of a path and, with the same line, of the tables it implies. The first
// line of a path wins.
func (x *indexer) mark(path string, n *unstable.Node) {
	line := x.line(n)
	for ; line > 0 && path != "" && !x.lines.has(path); path = parentPath(path) {
		x.lines[path] = line
	}
}

// line returns the line on which a node begins: for a node without a place of its own in the tree
// that of its first child, and 0 for an empty array.
func (x *indexer) line(n *unstable.Node) int {
	for n.Raw.Length == 0 && n.Child().Valid() {
		n = n.Child()
	}
	if n.Raw.Length == 0 {
		return 0
	}
	return x.lineAt(int(n.Raw.Offset))
}

func (x *indexer) lineAt(offset int) int {
	return sort.SearchInts(x.starts, offset+1)
}

// syntax adds the problem of a file that is not TOML.
func (x *indexer) syntax(err error) {
	line := len(x.starts)
	text := err.Error()
	var at *unstable.ParserError
	if errors.As(err, &at) {
		line = x.lineAt(int(x.tree.Range(at.Highlight).Offset))
	}
	if strings.HasSuffix(text, "at start of value") {
		text += "; text must be in double quotes"
	}
	x.problems.add(line, "", "is not valid TOML: "+text)
}

func keyParts(n *unstable.Node) []string {
	var parts []string
	for key := n.Key(); key.Next(); {
		parts = append(parts, string(key.Node().Data))
	}
	return parts
}

// blank overwrites with spaces and keeps the line structure.
func blank(b []byte) {
	for i, c := range b {
		if c != '\n' && c != '\r' {
			b[i] = ' '
		}
	}
}
