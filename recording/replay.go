package recording

import (
	"errors"
	"io"

	"ebbgate/policy"
)

// Outcome is what came of one replayed turn.
type Outcome struct {
	Turn     int // from 1
	Decision policy.Decision
	Recorded string // digest of the decision of that time
	Same     bool   // whether this is the same one
}

// Replay decides every entry again, under the given policy, and calls each with the outcome until
// that returns false. A recording that breaks off is ErrTruncated, after everything before.
func Replay(r *Reader, p *policy.Policy, each func(Outcome) bool) error {
	state := r.Header.State
	for turn := 1; ; turn++ {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var d policy.Decision
		state, d = policy.Step(p, state, e.Observation)
		digest, err := Digest(&d)
		if err != nil {
			return err
		}
		if !each(Outcome{Turn: turn, Decision: d, Recorded: e.Decision, Same: digest == e.Decision}) {
			return nil
		}
	}
}
