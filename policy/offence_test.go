package policy

import (
	"testing"
	"time"
)

func TestOffence(t *testing.T) {
	const quiet = 60 * time.Second
	type measure struct{ at, measured int } // seconds, against a threshold of 100
	tests := []struct {
		name     string
		measures []measure
		ended    string
		raised   bool
		persists bool // for 10 s
		recurs   bool
	}{
		{"below", []measure{{1, 99}}, "", false, false, false},
		{"at the threshold", []measure{{1, 100}}, "", true, false, false},
		{"at the threshold for ever is not beyond it", []measure{{1, 100}, {8, 100}, {15, 100}}, "", true, false, true},
		{"beyond for ten seconds", []measure{{1, 101}, {6, 100}, {11, 100}}, "", true, true, true},
		{"beyond, not long enough", []measure{{1, 500}, {10, 500}}, "", true, false, false},
		{"a dip", []measure{{1, 150}, {6, 98}, {7, 100}, {11, 100}}, "", true, true, true},
		{"more than a dip", []measure{{1, 150}, {4, 98}, {7, 98}, {8, 100}, {11, 100}}, "", true, false, true},
		{"unseen for long", []measure{{1, 150}, {20, 150}}, "", true, false, true},
		{"above the clear level, not quiet", []measure{{1, 150}, {2, 50}, {500, 50}}, "", true, false, false},
		{"clear, not yet for the quiet time", []measure{{1, 150}, {2, 49}, {61, 49}}, "", true, false, false},
		{"clear for the quiet time", []measure{{1, 150}, {2, 49}, {62, 0}}, "below half of its limit for 1m", true, false, false},
		{"clear with a break", []measure{{1, 150}, {2, 49}, {30, 60}, {31, 49}, {62, 49}}, "", true, false, false},
		{"below for ten times the quiet time", []measure{{1, 150}, {2, 99}, {602, 99}}, "below its limit for 10m", true, false, false},
		{"over again just before", []measure{{1, 150}, {2, 49}, {61, 100}, {62, 0}}, "", true, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f Offence
			ended := ""
			for i, m := range tt.measures {
				ended = f.judge(Instant(m.at)*Instant(time.Second), m.measured, 100, quiet)
				if ended != "" && i < len(tt.measures)-1 {
					t.Fatalf("ended at %d s already: %s", m.at, ended)
				}
				again := f
				again.judge(Instant(m.at)*Instant(time.Second), m.measured, 100, quiet)
				if again != f {
					t.Fatalf("the same measure again changes it from %+v to %+v", f, again)
				}
			}
			if ended != tt.ended || f.raised() != tt.raised {
				t.Errorf("ended %q raised %v, want %q %v", ended, f.raised(), tt.ended, tt.raised)
			}
			if got := f.persists(10 * time.Second); got != tt.persists {
				t.Errorf("persists %v, want %v: %+v", got, tt.persists, f)
			}
			if got := f.recurs(10 * time.Second); got != tt.recurs {
				t.Errorf("recurs %v, want %v: %+v", got, tt.recurs, f)
			}
			if f.persists(0) || f.recurs(0) {
				t.Error("a block_after of 0 is never")
			}
		})
	}
}
