package control

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// number writes n with a comma every three digits.
func number[N int | uint64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	if n > 0 {
		s = strconv.FormatUint(uint64(n), 10)
	}
	first := 0
	if s[0] == '-' {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted writes "1 source" or "1,204 sources".
func counted[N int | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

func perSecond(r Rate) string {
	if r > 0 && r < 10 {
		return strconv.FormatFloat(float64(r), 'f', 1, 64) + "/s"
	}
	return number(int(min(max(r, 0), 1e15))) + "/s"
}

// length writes a duration in the two units that matter: 0.41s, 12s, 3m12s, 2h05m, 4d02h.
func length(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Second:
		hundredths := strconv.FormatFloat(float64(d/(10*time.Millisecond))/100, 'f', -1, 64)
		return hundredths + "s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
}

// fine writes a short duration as milliseconds.
func fine(d Duration) string {
	return strconv.FormatFloat(float64(d.std().Microseconds())/1000, 'f', -1, 64) + " ms"
}

// ago writes how long before now t was.
func ago(now, t Time) string {
	if t.IsZero() || now.IsZero() {
		return "?"
	}
	return length(now.Sub(t.Time))
}

// clock writes a time of the day before or at now, with the date where it is another day.
func clock(now, t Time) string {
	if t.IsZero() {
		return "?"
	}
	if now.Sub(t.Time) < 18*time.Hour {
		return t.UTC().Format("15:04:05")
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// sourceText writes a single address without its prefix length.
func sourceText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	if !p.IsValid() {
		return "?"
	}
	return p.String()
}
