package audit

import (
	"fmt"
	"strings"
)

// Severity ranks findings; a higher one is worse.
type Severity uint8

const (
	OK       Severity = iota // looked at, nothing to change
	Unknown                  // could not be looked at
	Advice                   // would help, or is a mistaken belief put right
	Warning                  // will hurt under load or attack
	Critical                 // hurts now, or makes an attack trivial
)

var severityNames = [...]string{OK: "ok", Unknown: "unknown", Advice: "advice", Warning: "warning", Critical: "critical"}

// String returns the name scripts see.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return fmt.Sprintf("severity-%d", uint8(s))
}

// MarshalText writes the name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name; the error lists those allowed.
func (s *Severity) UnmarshalText(b []byte) error {
	for i, name := range severityNames {
		if name == string(b) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("severity %q: must be one of %s", b, strings.Join(severityNames[:], ", "))
}
