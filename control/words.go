package control

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// Number writes n with a comma every three digits.
func Number[N int | uint64](n N) string {
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

// Counted writes "1 source" or "1,204 sources".
func Counted[N int | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// PerSecond writes a rate, with a decimal below ten: "2.5/s", "40,211/s".
func PerSecond(r Rate) string {
	if r > 0 && r < 10 {
		return strconv.FormatFloat(float64(r), 'f', 1, 64) + "/s"
	}
	return Number(int(min(max(r, 0), 1e15))) + "/s"
}

// Length writes a duration in the two units that matter: 0.41s, 12s, 3m12s, 2h05m, 4d02h.
func Length(d time.Duration) string {
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
	return Length(now.Sub(t.Time))
}

// Clock writes the time of day of a moment before now, with the date where it was another day.
func Clock(now, t Time) string {
	if t.IsZero() {
		return "?"
	}
	if now.Sub(t.Time) < 18*time.Hour {
		return t.UTC().Format("15:04:05")
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// SourceText writes a prefix, and a single address without its prefix length.
func SourceText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	if !p.IsValid() {
		return "?"
	}
	return p.String()
}
