package policy

import (
	"strconv"
	"strings"
	"time"
)

// History is where the daemon keeps what must outlast it, and for how long.
type History struct {
	Path string        // of the database; empty: nothing is kept
	Keep time.Duration // how long an attack that ended is kept
}

func (p *parser) history(raw *rawHistory) History {
	return History{
		Path: p.database("history.path", raw.Path),
		Keep: p.long("history.keep", raw.Keep, DefaultHistoryKeep, MinHistoryKeep, MaxHistoryKeep),
	}
}

// database reads the path of a file that is made where there is none; the empty path stands for none.
func (p *parser) database(key string, raw *string) string {
	if raw == nil {
		return DefaultHistoryPath
	}
	if *raw == "" {
		return ""
	}
	return p.file(key, *raw, MaxHistoryPath, DefaultHistoryPath, ", or empty to keep nothing")
}

const day = 24 * time.Hour

// long reads a duration that may be a number of days, such as "90d".
func (p *parser) long(key string, raw *string, absent, least, most time.Duration) time.Duration {
	if raw == nil {
		return absent
	}
	d, ok := days(*raw)
	if !ok {
		var err error
		d, err = time.ParseDuration(*raw)
		ok = err == nil
	}
	switch {
	case !ok:
		p.problem(key, "%s is not a duration, must be a whole number of days such as \"90d\", or a number with the unit m or h, from %s to %s",
			quote(*raw), inDays(least), inDays(most))
		return absent
	case d < least || d > most:
		p.problem(key, "%s is out of range, must be %s to %s", quote(*raw), inDays(least), inDays(most))
		return absent
	}
	return d
}

// days reads a whole number of days. More than a duration holds is read as the most it holds.
func days(s string) (time.Duration, bool) {
	number, ok := strings.CutSuffix(s, "d")
	n, err := strconv.ParseUint(number, 10, 31)
	const most = uint64(1<<63-1) / uint64(day)
	return time.Duration(min(n, most)) * day, ok && err == nil
}

// inDays writes a duration as the policy file does: in days where it is a whole number of them.
func inDays(d time.Duration) string {
	if d > 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return Brief(d)
}
