package demo

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Columns of the summary.
const (
	labelWidth = 27
	mostWidth  = 100
	proseWidth = 98 // of the header
)

// fact is one line of the summary.
type fact struct{ label, text string }

// Print writes the closing summary, in lines of at most 100 columns.
func (r *Result) Print(w io.Writer) error {
	var b strings.Builder
	for _, f := range r.summary() {
		b.WriteByte('\n')
		label := f.label
		for i, line := range wrap(f.text, mostWidth-labelWidth) {
			if i > 0 {
				b.WriteByte('\n')
				label = ""
			}
			fmt.Fprintf(&b, "%-*s%s", labelWidth, label, line)
		}
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}

// summary says what was measured, a fact at a time.
func (r *Result) summary() []fact {
	recognised := fmt.Sprintf("%s, %.2f s after onset", r.kind.name, r.Recognised.Seconds())
	if len(r.Others) > 0 {
		recognised += "; also " + strings.Join(r.Others, ", ")
	}
	first := "none"
	if r.Ruled {
		first = fmt.Sprintf("%.2f s after onset", r.FirstRule.Seconds())
	}
	facts := []fact{
		{"without ebbgate", spanText(r.Bare)},
		{"recognised", recognised},
		{"first rule in the kernel", first},
		{"clients served again", r.againText()},
		{"with ebbgate", spanText(r.During)},
	}
	if len(r.Outages) > 0 {
		facts = append(facts, fact{"interrupted again", r.outagesText()})
	}
	return append(append(facts, r.kind.facts(r)...), fact{"machine clean", r.cleanText()})
}

func (r *Result) againText() string {
	switch {
	case !r.Interrupted:
		return "never interrupted"
	case !r.kind.cured:
		return fmt.Sprintf("%.2f s after %s; %d requests failed before", (r.ServedAgain - r.floodEnd.Sub(r.onset)).Seconds(), r.kind.over, r.Lost)
	}
	return fmt.Sprintf("%.2f s after onset; %d requests failed before", r.ServedAgain.Seconds(), r.Lost)
}

func (r *Result) cleanText() string {
	if !r.Peace {
		return "not within the play"
	}
	text := fmt.Sprintf("%.1f s after %s (quiet time 8 s): no table, nothing limited", r.Clean.Seconds(), r.kind.over)
	if r.Ruled && (r.TableGone-r.AttackOver).Abs() >= time.Second {
		text += fmt.Sprintf("; the table was gone %s, the attack over %s", afterText(r.TableGone), afterText(r.AttackOver))
	}
	return text
}

func afterText(d time.Duration) string {
	if d == 0 {
		return "at once"
	}
	return fmt.Sprintf("after %.1f s", d.Seconds())
}

// wrap breaks a text into lines of at most so many columns, at spaces. A longer word has a line of
// its own.
func wrap(text string, columns int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len(*last)+1+len(word) > columns:
			lines = append(lines, word)
		default:
			*last += " " + word
		}
	}
	return lines
}
