package policy

import (
	"strings"
	"testing"
	"time"
)

func TestParseHistory(t *testing.T) {
	for _, c := range []struct {
		text string
		want History
	}{
		{"", History{DefaultHistoryPath, DefaultHistoryKeep}},
		{`path = ""`, History{"", DefaultHistoryKeep}},
		{`path = "/srv/e b.db"`, History{"/srv/e b.db", DefaultHistoryKeep}},
		{`keep = "1h"`, History{DefaultHistoryPath, time.Hour}},
		{`keep = "1d"`, History{DefaultHistoryPath, 24 * time.Hour}},
		{`keep = "0090d"`, History{DefaultHistoryPath, 90 * 24 * time.Hour}},
		{`keep = "3650d"`, History{DefaultHistoryPath, MaxHistoryKeep}},
		{`keep = "36h30m"`, History{DefaultHistoryPath, 36*time.Hour + 30*time.Minute}},
	} {
		if got := mustParse(t, web+"[history]\n"+c.text+"\n").History; got != c.want {
			t.Errorf("%s: %+v, want %+v", c.text, got, c.want)
		}
	}
}

func TestParseHistoryRefuses(t *testing.T) {
	const unit = `is not a duration, must be a whole number of days such as "90d", or a number with the unit m or h, from 1h to 3650d`
	const limits = `is out of range, must be 1h to 3650d`
	long := "/" + strings.Repeat("a", MaxHistoryPath)
	for value, want := range map[string]string{
		`keep = "90"`:                    `"90" ` + unit,
		`keep = "d"`:                     `"d" ` + unit,
		`keep = "-1d"`:                   `"-1d" ` + unit,
		`keep = "1.5d"`:                  `"1.5d" ` + unit,
		`keep = "1d12h"`:                 `"1d12h" ` + unit,
		`keep = "99999999999d"`:          `"99999999999d" ` + unit,
		`keep = "0d"`:                    `"0d" ` + limits,
		`keep = "59m"`:                   `"59m" ` + limits,
		`keep = "3651d"`:                 `"3651d" ` + limits,
		`keep = "2000000000d"`:           `"2000000000d" ` + limits,
		`path = "history.db"`:            `"history.db" is not an absolute path to a file, must be like "/var/lib/ebbgate/history.db", or empty to keep nothing`,
		`path = "/"`:                     `"/" is not an absolute path to a file, must be like "/var/lib/ebbgate/history.db", or empty to keep nothing`,
		`path = "/a/../b"`:               `"/a/../b" is not in its shortest form, must be "/b"`,
		`path = "/a\u001bb"`:             `holds unprintable characters, must be like "/var/lib/ebbgate/history.db"`,
		`path = "` + long + `"`:          `is a path of 1025 bytes, must be at most 1024`,
		`path = ["/var/lib/history.db"]`: `must be a string`,
	} {
		_, err := Parse("F", []byte(web+"[history]\n"+value+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "F:5: history.") {
			t.Errorf("%s: %v, want %q of line 5", value, err, want)
		}
	}
}
