package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// MaxProblems bounds how many problems of one file are reported. What lies beyond, counted from
// the top of the file, is summed up in one last Problem.
const MaxProblems = 100

// Problem is one thing that is wrong with a policy file.
type Problem struct {
	File string // as given to Parse
	Line int    // counted from 1; 0: no single line
	Key  string // "service[1].ports[0]", counted from 0; empty: not about one key
	Text string // what is wrong and what is allowed, on one line
}

// String returns "FILE:LINE: key: what is wrong, what is allowed", without the parts that are
// not known.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Key != "" {
		b.WriteString(": " + p.Key)
	}
	b.WriteString(": " + p.Text)
	return b.String()
}

// Problems is everything that is wrong with a policy file, in the order of its lines. Parse
// returns it as its error; errors.As finds it.
type Problems []Problem

// Error returns one line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// problemList collects the problems of one file and keeps the first MaxProblems of them.
type problemList struct {
	file    string
	found   Problems
	dropped int
}

func (l *problemList) add(line int, key, text string) {
	l.found = append(l.found, Problem{l.file, line, printable(key, 120), printable(text, 800)})
	if len(l.found) >= 4*MaxProblems {
		l.trim()
	}
}

// trim sorts and drops what is beyond the bound. Problems of one line stay in the order in which
// they were found.
func (l *problemList) trim() {
	slices.SortStableFunc(l.found, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	if n := len(l.found) - MaxProblems; n > 0 {
		l.dropped += n
		l.found = l.found[:MaxProblems]
	}
}

// err returns the problems as an error, or nil if there are none.
func (l *problemList) err() error {
	if len(l.found) == 0 {
		return nil
	}
	l.trim()
	if l.dropped == 0 {
		return l.found
	}
	rest := Problem{File: l.file, Text: fmt.Sprintf("and %d more problems, not listed", l.dropped)}
	return append(l.found, rest)
}

// printable keeps what comes from the file on one line of bounded length.
func printable(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	return shorten(s, max)
}

// quote shows a value of the file as the operator would write it.
func quote(s string) string { return strconv.Quote(shorten(s, 60)) }

// shorten cuts s to about max bytes and marks the cut.
func shorten(s string, max int) string {
	if len(s) <= max {
		return s
	}
	return strings.ToValidUTF8(s[:max], "") + "..."
}
