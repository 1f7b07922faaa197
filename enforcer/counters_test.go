package enforcer

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// TestInsist: what is interrupted is taken anew, a bounded number of times; any other error is final.
func TestInsist(t *testing.T) {
	interrupted := fmt.Errorf("list counters: %w", nlwire.ErrInterrupted)
	for _, tt := range []struct {
		name    string
		answers []error
		tries   int
		want    error
	}{
		{"at once", []error{nil}, 1, nil},
		{"interrupted once", []error{interrupted, nil}, 2, nil},
		{"interrupted, then gone", []error{interrupted, unix.ENOENT}, 2, unix.ENOENT},
		{"gone", []error{unix.ENOENT, nil}, 1, unix.ENOENT},
		{"interrupted for ever", []error{interrupted, interrupted, interrupted, nil}, listTries, nlwire.ErrInterrupted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tries := 0
			err := insist(func() error {
				tries++
				return tt.answers[tries-1]
			})
			if !errors.Is(err, tt.want) || tries != tt.tries {
				t.Errorf("after %d tries: %v, want %d and %v", tries, err, tt.tries, tt.want)
			}
		})
	}
}
