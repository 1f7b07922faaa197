package compare

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// columns is the head of the table.
func columns() []string {
	return []string{"attack", "defence", "served during", "after recovery", "95 % within", "recovered after",
		"CPU of the victim", "of it ebbgate", "SYNs/s", "conntrack entries", "attackers hold", "clean after"}
}

// Table writes the results as a table in Markdown.
func Table(w io.Writer, results []Result) error {
	lines := []string{line(columns()), "|---|---|" + strings.Repeat("--:|", len(columns())-2)}
	for _, r := range results {
		lines = append(lines, row(r))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// row is one line of the table.
func row(r Result) string {
	after, latency := "–", "–"
	if r.After.Done > 0 {
		after = percent(r.After.Share)
	}
	if l, ok := r.latency(); ok {
		latency = fmt.Sprintf("%.1f ms", float64(l)/float64(time.Millisecond))
	}
	return line([]string{r.Kind, r.Defence, percent(r.During.Share), after, latency, recoveryText(r),
		fmt.Sprintf("%.0f %%", r.CPU.Victim()), daemonText(r), fmt.Sprintf("%.0f", r.Sent), fmt.Sprint(r.TrackedPeak), fmt.Sprint(r.HeldEnd), cleanText(r)})
}

func line(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }

func percent(share float64) string {
	// 99.96 is not all of them.
	if share < 100 && share > 99.9 {
		share = 99.9
	}
	return fmt.Sprintf("%.1f %%", share)
}

func recoveryText(r Result) string {
	switch r.Recovery {
	case Never:
		return "never"
	case 0:
		return "at once"
	}
	return seconds(r.Recovery)
}

func daemonText(r Result) string {
	if !strings.Contains(r.Defence, "ebbgate") {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", r.CPU.Ebbgate)
}

func cleanText(r Result) string {
	if r.Clean == Never {
		return "later: " + r.Left
	}
	return seconds(r.Clean)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
