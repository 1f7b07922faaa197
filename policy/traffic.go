package policy

import "fmt"

// Traffic says which connections of a service count.
type Traffic uint8

const (
	// Local are connections to this host's own listeners.
	Local Traffic = iota
	// Forwarded are connections this host passes on, to a container behind a published port or
	// to a machine it routes for.
	Forwarded
	// Both are the two together.
	Both
)

// Locally reports whether connections to the host's own listeners count.
func (t Traffic) Locally() bool { return t != Forwarded }

// Onward reports whether connections the host passes on count.
func (t Traffic) Onward() bool { return t != Local }

// String returns the word the policy file uses.
func (t Traffic) String() string {
	switch t {
	case Forwarded:
		return "forwarded"
	case Both:
		return "both"
	}
	return "local"
}

// MarshalText writes the word the policy file uses.
func (t Traffic) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText accepts "local", "forwarded" and "both" and names them in its error.
func (t *Traffic) UnmarshalText(b []byte) error {
	switch string(b) {
	case "local":
		*t = Local
	case "forwarded":
		*t = Forwarded
	case "both":
		*t = Both
	default:
		return fmt.Errorf("%q is no kind of traffic (\"local\", \"forwarded\" or \"both\")", b)
	}
	return nil
}
