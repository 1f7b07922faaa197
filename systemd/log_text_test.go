package systemd

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"unicode"
)

// TestTextsOfStrangersStayInTheirLine logs them to a stderr that is no journal, in every place of a record.
func TestTextsOfStrangersStayInTheirLine(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "")
	var stderr bytes.Buffer
	handler, flush := LogHandler(&stderr, slog.LevelInfo)
	log := slog.New(handler)
	texts := []string{"a\nlevel=ERROR msg=forged", "\r\x1b[2J\x1b]0;t\a", "\u009b31m\u202e\u2028", "\xff\xfe\x00\x7f", `" why="none`, ""}
	for _, text := range texts {
		log.Info("limit raised", "unit", text, "why", text)
		log.Warn(text, "part", []string{text})
	}
	flush()
	lines := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
	if len(lines) != 2*len(texts) {
		t.Errorf("%d records made %d lines", 2*len(texts), len(lines))
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "time=") || strings.Count(line, " level=") != 1 {
			t.Errorf("no record of ours: %q", line)
		}
		if bad := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); bad >= 0 {
			t.Errorf("line %q is not printable from %d on", line, bad)
		}
	}
}
