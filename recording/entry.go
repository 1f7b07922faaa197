package recording

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"ebbgate/policy"
)

// Schema is the version of the format. A reader refuses any other.
const Schema = 4

// Header is the first line of a recording.
type Header struct {
	Schema     int          `json:"ebbgate_recording"`
	Version    string       `json:"version"`     // of the program that wrote it
	PolicyHash string       `json:"policy_hash"` // SHA-256 of the policy file, in hex
	State      policy.State `json:"state"`       // before the first entry
}

// Entry is one turn of the daemon's loop.
type Entry struct {
	Observation policy.Observation `json:"observation"`
	Decision    string             `json:"decision"` // its Digest
}

// HashPolicy returns what identifies a policy file.
func HashPolicy(src []byte) string {
	sum := sha256.Sum256(src)
	return hex.EncodeToString(sum[:])
}

// Digest identifies a decision: equal ones have the same, to the byte.
func Digest(d *policy.Decision) (string, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("encode decision: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8]), nil
}
