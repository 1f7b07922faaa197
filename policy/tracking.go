package policy

import "fmt"

// Tracking says whether the kernel may count connections for us, for which it has to track them.
type Tracking uint8

const (
	// TrackWatched has it track and count the connections of watched sources, while a flood lasts.
	TrackWatched Tracking = iota
	// TrackNever leaves conntrack alone: sources are refused by what a census finds.
	TrackNever
)

// String returns the word the policy file uses.
func (t Tracking) String() string {
	if t == TrackNever {
		return "never"
	}
	return "auto"
}

// MarshalText writes the word the policy file uses.
func (t Tracking) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText accepts "auto" and "never" and names both in its error.
func (t *Tracking) UnmarshalText(b []byte) error {
	switch string(b) {
	case "auto":
		*t = TrackWatched
	case "never":
		*t = TrackNever
	default:
		return fmt.Errorf("%q says not whether conntrack may be used (\"auto\" or \"never\")", b)
	}
	return nil
}
