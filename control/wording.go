package control

import (
	"net/netip"
	"time"
)

// Number writes n with a comma every three digits.
func Number[N int | uint64](n N) string { return number(n) }

// Counted writes "1 source" or "1,204 sources".
func Counted[N int | uint64](n N, one, many string) string { return counted(n, one, many) }

// PerSecond writes a rate, with a decimal below ten: "2.5/s", "40,211/s".
func PerSecond(r Rate) string { return perSecond(r) }

// Length writes a duration in the two units that matter: 0.41s, 12s, 3m12s, 2h05m, 4d02h.
func Length(d time.Duration) string { return length(d) }

// Clock writes the time of day of a moment before now, with the date where it was another day.
func Clock(now, t Time) string { return clock(now, t) }

// SourceText writes a prefix, and a single address without its prefix length.
func SourceText(p netip.Prefix) string { return sourceText(p) }

// AttackWords says of an open attack what it is and by what it was recognised, what is being done about
// it, and where it came from at its peak; the last two can be empty. Everything in them is escaped.
func AttackWords(all *Status, s *Service, a *Attack) (what, done, from string) {
	return recognised(a), response(all, s, a), topPrefixes(a)
}

// SoFar says what was done for a service since the daemon began, or in shadow mode would have been;
// empty: nothing.
func SoFar(s *Service) string { return soFar(s) }

// LimitWords says what one source may do at a service.
func LimitWords(s *Service) string { return limitWords(s) }

// OffenderWords says which exempt source fills a service.
func OffenderWords(o *Offender) string { return offenderWords(o) }
