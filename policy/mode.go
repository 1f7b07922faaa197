package policy

import "fmt"

// Mode says whether a service's decisions act on traffic.
type Mode uint8

const (
	// Shadow detects, counts in the kernel and reports, but passes every packet.
	Shadow Mode = iota
	// Enforce refuses and closes.
	Enforce
)

// String returns the word the policy file uses.
func (m Mode) String() string {
	if m == Enforce {
		return "enforce"
	}
	return "shadow"
}

// MarshalText writes the word the policy file uses.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText accepts "shadow" and "enforce" and names both in its error.
func (m *Mode) UnmarshalText(b []byte) error {
	switch string(b) {
	case "shadow":
		*m = Shadow
	case "enforce":
		*m = Enforce
	default:
		return fmt.Errorf("%q is not a mode (\"shadow\" or \"enforce\")", b)
	}
	return nil
}

// Refusal says how a new connection is turned away.
type Refusal uint8

const (
	// Reset answers with a TCP reset: the client learns at once.
	Reset Refusal = iota
	// Drop answers nothing: the client retries until its own time-out.
	Drop
)

// String returns the word the policy file uses.
func (r Refusal) String() string {
	if r == Drop {
		return "drop"
	}
	return "reset"
}

// MarshalText writes the word the policy file uses.
func (r Refusal) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText accepts "reset" and "drop" and names both in its error.
func (r *Refusal) UnmarshalText(b []byte) error {
	switch string(b) {
	case "reset":
		*r = Reset
	case "drop":
		*r = Drop
	default:
		return fmt.Errorf("%q is not a refusal (\"reset\" or \"drop\")", b)
	}
	return nil
}
