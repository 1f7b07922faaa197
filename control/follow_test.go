package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// scripted answers one question after the other by what is written, "slow:" where it takes its time: the ID to ask
// after next, or "error". It ends the test with the last one.
type scripted struct {
	answers []string
	asked   []string // at which second, after which ID, with which wait
	begin   time.Time
	end     context.CancelFunc
}

func (s *scripted) Events(ctx context.Context, after uint64, wait time.Duration) (*Events, error) {
	s.asked = append(s.asked, fmt.Sprintf("%g: after %d, wait %g", time.Since(s.begin).Seconds(), after, wait.Seconds()))
	if len(s.answers) == 0 {
		s.end()
		return nil, ctx.Err()
	}
	answer, slow := strings.CutPrefix(s.answers[0], "slow:")
	s.answers = s.answers[1:]
	if slow {
		time.Sleep(wait)
	}
	if answer == "error" {
		return nil, ErrUnreachable
	}
	out := &Events{}
	_, err := fmt.Sscan(answer, &out.Next)
	return out, err
}

func TestFollow(t *testing.T) {
	for name, tt := range map[string]struct {
		answers []string
		asked   []string
	}{
		"news, and none for a while": {[]string{"5", "7", "slow:7", "slow:8"},
			[]string{"0: after 3, wait 0", "0: after 5, wait 8", "0: after 7, wait 8", "8: after 7, wait 8", "16: after 8, wait 8"}},
		"it is away, and comes back": {[]string{"5", "slow:error", "error", "error", "error", "error", "9", "slow:error", "error"},
			[]string{"0: after 3, wait 0", "0: after 5, wait 8", "8.5: after 5, wait 0", "9.5: after 5, wait 0", "11.5: after 5, wait 0", "15.5: after 5, wait 0",
				"19.5: after 5, wait 0", "19.5: after 9, wait 8", "28: after 9, wait 0", "29: after 9, wait 0"}},
		"it answers at once with nothing": {[]string{"3", "3", "3", "4"},
			[]string{"0: after 3, wait 0", "0: after 3, wait 8", "0.5: after 3, wait 8", "1.5: after 3, wait 8", "1.5: after 4, wait 8"}},
		"its numbers begin anew": {[]string{"9", "2"}, []string{"0: after 3, wait 0", "0: after 9, wait 8", "0: after 2, wait 8"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				taken := 0
				s := &scripted{answers: tt.answers, begin: time.Now(), end: cancel}
				err := Follow(ctx, s, 3, time.Hour, func(r Reading) error {
					taken++
					if (r.Events == nil) != errors.Is(r.Err, ErrUnreachable) {
						t.Errorf("taken: %+v", r)
					}
					return nil
				})
				if err != nil || taken != len(tt.answers) || !slices.Equal(s.asked, tt.asked) {
					t.Errorf("%v, %d taken, asked\n%s\nwant\n%s", err, taken, strings.Join(s.asked, "\n"), strings.Join(tt.asked, "\n"))
				}
			})
		})
	}
}

// TestFollowEndsWithItsTaker: his error ends it at once.
func TestFollowEndsWithItsTaker(t *testing.T) {
	enough := errors.New("enough")
	s := &scripted{answers: []string{"5", "error", "7"}, begin: time.Now()}
	err := Follow(t.Context(), s, 3, time.Hour, func(r Reading) error {
		if r.Err == nil {
			return nil
		}
		if r.After != 5 || r.Due.Sub(s.begin) < LongestWait {
			t.Errorf("%+v", r)
		}
		return enough
	})
	if !errors.Is(err, enough) || len(s.asked) != 2 {
		t.Errorf("%v after %v", err, s.asked)
	}
}

// TestFollowPausesEndWithTheContext: nobody waits for a pause.
func TestFollowPausesEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		s := &scripted{answers: []string{"error", "error"}, begin: time.Now()}
		if err := Follow(ctx, s, 0, LongestWait, func(Reading) error { return nil }); err != nil || time.Since(s.begin) != 100*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(s.begin))
		}
	})
}
