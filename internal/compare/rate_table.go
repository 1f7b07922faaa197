package compare

import (
	"fmt"
	"io"
	"strings"
)

// RateTable writes rates as a table in Markdown: a line for each traffic, a column for each of the rules.
func RateTable(w io.Writer, rates []Rate) error {
	head := []string{"packets a second of one core"}
	for _, rules := range allRules() {
		head = append(head, string(rules))
	}
	lines := []string{line(head), "|---|" + strings.Repeat("--:|", len(head)-1)}
	for _, t := range allTraffic() {
		cells := []string{string(t)}
		for _, r := range rates {
			if r.Traffic == t {
				cells = append(cells, rateText(r))
			}
		}
		lines = append(lines, line(cells))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// rateText says a rate in thousands or millions, and how it compares.
func rateText(r Rate) string {
	text := fmt.Sprintf("%.0f k", r.Packets/1e3)
	if r.Packets >= 1e6 {
		text = fmt.Sprintf("%.2f M", r.Packets/1e6)
	}
	if r.Rules == NoRules {
		return text
	}
	return fmt.Sprintf("%s (%.2f)", text, r.Ratio)
}
