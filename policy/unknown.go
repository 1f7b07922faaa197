package policy

import (
	"fmt"
	"reflect"
	"strings"
)

// unknown adds the problem of a key the policy file does not have, once for each instance of a
// repeated table.
func (p *parser) unknown(parent, name string, value any, table reflect.Type) {
	path := joinKey(parent, name)
	text, meant := p.suggest(name, table)
	if meant != "" && !p.at.has(joinKey(parent, meant)) {
		// The key that was meant counts as present: it is not missing as well.
		p.at[joinKey(parent, meant)] = p.at.line(path)
	}
	text = "is not a key of the policy file, " + text
	instances, ok := value.([]map[string]any)
	if !ok {
		p.problem(path, "%s", text)
		return
	}
	for i := range instances {
		p.problem(joinIndex(path, i), "%s", text)
	}
}

// suggest says what may have been meant by the name of an unknown key in a table: the same key in
// its right table, a key that is spelled alike, or else what the table takes. If that is a key of
// this table, it is returned as meant.
func (p *parser) suggest(name string, table reflect.Type) (text, meant string) {
	if places := p.places(name); len(places) > 0 {
		return fmt.Sprintf("%q belongs %s", name, strings.Join(places, ", or ")), ""
	}
	var known []string
	closest := len(name)
	for i := range table.NumField() {
		key := table.Field(i).Tag.Get("toml")
		known = append(known, key)
		if strings.EqualFold(key, name) {
			return fmt.Sprintf("write %q: case matters", key), key
		}
		if d, ok := alike(name, key); ok && d < closest {
			meant, closest = key, d
		}
	}
	if meant != "" {
		return fmt.Sprintf("did you mean %q?", meant), meant
	}
	return "this table takes: " + strings.Join(known, ", "), ""
}

// places says where in the file a key of that name may stand.
func (p *parser) places(name string) []string {
	var places []string
	for _, key := range p.keys {
		cut := strings.LastIndexByte(key, '.')
		switch {
		case key[cut+1:] != name:
		case cut < 0:
			places = append(places, "at the top, before the first table")
		default:
			places = append(places, "in "+rawHeader(key[:cut]))
		}
	}
	return places
}

// alike reports whether two names differ so little that one may be a misspelling of the other,
// and by how many letters (Levenshtein distance).
func alike(a, b string) (int, bool) {
	allowed := (max(len(a), len(b)) + 1) / 3
	if len(a)-len(b) > allowed || len(b)-len(a) > allowed {
		return 0, false
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)], row[len(b)] <= allowed
}
