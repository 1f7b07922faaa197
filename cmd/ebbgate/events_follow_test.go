package main

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"
)

// TestFollowPausesWhereNothingComes asks a daemon that answers at once and with nothing, as one does that is
// about to end: it is asked once in a while.
func TestFollowPausesWhereNothingComes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var asked []time.Time // of one connection, so one after the other
	d := fakeDaemon(t, func(*http.Request) string {
		if asked = append(asked, time.Now()); len(asked) == 3 {
			cancel()
		}
		return `{"result": {"events": [], "next": "5"}}`
	})
	root := newRoot()
	root.SetArgs([]string{"events", "-f", "--after", "5", "--socket", d.path})
	root.SetOut(io.Discard)
	if err := root.ExecuteContext(ctx); err != nil {
		t.Fatal(err)
	}
	// The first question is for what there is; the second waits, and is answered at once.
	if len(asked) != 3 || asked[2].Sub(asked[1]) < askAgain/2 {
		t.Errorf("asked at %v, want a pause before the third question", asked)
	}
}
