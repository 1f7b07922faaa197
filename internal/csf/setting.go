package csf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"ebbgate/internal/escape"
)

// Bounds on what is read. The default csf.conf has 138 kB and some 500 settings.
const (
	MaxFileSize = 1 << 20 // bytes of each file
	maxSettings = 2000
	maxShown    = 120 // bytes of a value that is shown
)

// Source is one file that was read.
type Source struct {
	Name string // as people know it
	Text []byte
}

// Setting is one line KEY = "VALUE" of csf.conf.
type Setting struct {
	File  string `json:"file"`
	Line  int    `json:"line"` // counted from 1
	Key   string `json:"key"`
	Value string `json:"value"` // as written, at most 120 bytes
}

// settings has the settings of a file by their key.
type settings struct {
	file  string
	order []string
	of    map[string]*entry
}

// entry is a setting with its whole value.
type entry struct {
	Setting
	value string
}

// readSettings reads csf.conf as csf does: a comment begins a line, what has no = is passed over, a value
// is what stands between the first and the last quotation mark, and a key may not be repeated. The error
// names every line that csf could not read either, or says that the file is not csf's at all.
func readSettings(src Source) (*settings, error) {
	s := &settings{file: src.Name, of: make(map[string]*entry)}
	if len(src.Text) > MaxFileSize {
		return nil, fmt.Errorf("%s: is %d bytes long, must be at most %d", src.Name, len(src.Text), MaxFileSize)
	}
	if i := bytes.IndexByte(src.Text, 0); i >= 0 {
		return nil, fmt.Errorf("%s:%d: holds a NUL byte, a csf.conf is text", src.Name, 1+bytes.Count(src.Text[:i], []byte{'\n'}))
	}
	var problems []error
	number := 0
	for line := range strings.Lines(string(src.Text)) {
		number++
		if err := s.add(number, strings.TrimSpace(line)); err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", src.Name, number, err))
		}
		if len(problems) == mostProblems {
			return nil, errors.Join(append(problems, fmt.Errorf("%s: what comes after line %d was not read", src.Name, number))...)
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if s.of["TCP_IN"] == nil && s.of["CT_LIMIT"] == nil && s.of["CONNLIMIT"] == nil {
		return nil, fmt.Errorf("%s:%d: the file ends without any of TCP_IN, CT_LIMIT and CONNLIMIT, so it is not csf's; csf has its settings in /etc/csf/csf.conf", src.Name, number)
	}
	return s, nil
}

// mostProblems bounds how many lines of one file are named.
const mostProblems = 20

// add reads one line.
func (s *settings) add(number int, line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	name, rest, ok := strings.Cut(line, "=")
	if !ok {
		return nil
	}
	key := strings.Join(strings.Fields(name), "")
	if !isKey(key) {
		return fmt.Errorf("%s is not the name of a csf setting, which begins with a capital letter and has letters, digits and _ only", show(key))
	}
	first, last := strings.IndexByte(rest, '"'), strings.LastIndexByte(rest, '"')
	if first < 0 || first == last {
		return fmt.Errorf("%s: its value %s is not in quotation marks, must be %s = \"VALUE\"", key, show(strings.TrimSpace(rest)), key)
	}
	if earlier := s.of[key]; earlier != nil {
		return fmt.Errorf("%s: is set on line %d already, and csf refuses to start with that; keep one", key, earlier.Line)
	}
	if len(s.order) == maxSettings {
		return fmt.Errorf("%s: is one setting too many, a csf.conf has at most %d here", key, maxSettings)
	}
	value := rest[first+1 : last]
	s.of[key] = &entry{Setting{s.file, number, key, shorten(value)}, value}
	s.order = append(s.order, key)
	return nil
}

// isKey reports whether csf has settings of such a name: CT_LIMIT, PORTS_pop3d.
func isKey(s string) bool {
	for i := range len(s) {
		c := s[i]
		upper, lower, digit := c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9'
		if !upper && (i == 0 || !lower && !digit && c != '_') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// get returns a setting, or nil where the file does not have it.
func (s *settings) get(key string) *entry { return s.of[key] }

// on reports whether a switch of csf is on: whatever Perl takes for true.
func (s *settings) on(key string) bool {
	e := s.of[key]
	return e != nil && strings.TrimSpace(e.value) != "" && strings.TrimSpace(e.value) != "0"
}

// show quotes what a stranger wrote, for a message.
func show(text string) string { return `"` + escape.Terminal(shorten(text)) + `"` }

// shorten cuts text to maxShown bytes and marks the cut.
func shorten(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "") + "..."
}
