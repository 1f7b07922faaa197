package policy

import "fmt"

// Arming says when meters run.
type Arming uint8

const (
	// Auto arms meters on suspicion and lets them go afterwards.
	Auto Arming = iota
	// Always keeps them armed.
	Always
)

// String returns the word the policy file uses.
func (a Arming) String() string {
	if a == Always {
		return "always"
	}
	return "auto"
}

// MarshalText writes the word the policy file uses.
func (a Arming) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText accepts "auto" and "always" and names both in its error.
func (a *Arming) UnmarshalText(b []byte) error {
	switch string(b) {
	case "auto":
		*a = Auto
	case "always":
		*a = Always
	default:
		return fmt.Errorf("%q says not when meters run (\"auto\" or \"always\")", b)
	}
	return nil
}
