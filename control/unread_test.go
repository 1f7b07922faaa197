package control

import (
	"context"
	"testing"
)

func TestAnswersUnderWayAreBounded(t *testing.T) {
	var h unread
	big := func() []byte { return make([]byte, 20<<20) }
	take := func(body []byte, viewer bool, want bool) func() {
		t.Helper()
		release, refusal := h.take(body, viewer)
		if (refusal == nil) != want || refusal != nil && refusal.Kind != KindBusy {
			t.Fatalf("%d bytes with %d held: %v", len(body), h.bytes, refusal)
		}
		return release
	}
	shared := big()
	var releases []func()
	for range 100 { // who are sent the same
		releases = append(releases, take(shared, true, true))
	}
	if h.bytes != len(shared) {
		t.Errorf("%d bytes are held, want %d", h.bytes, len(shared))
	}
	releases = append(releases, take(big(), true, true), take(big(), true, true))
	take(big(), true, false)
	take(make([]byte, smallAnswer), true, true)
	releases = append(releases, take(big(), false, true)) // root's
	take(big(), false, false)
	for _, release := range releases {
		release()
	}
	if h.bytes != 0 || len(h.bodies) != 0 {
		t.Errorf("%d bytes of %d answers are still held", h.bytes, len(h.bodies))
	}
	take(make([]byte, maxHeld+1), true, true)() // alone, it is let through
	take(nil, true, true)()
}

func TestHoldCountsWhereTheContextSays(t *testing.T) {
	var h unread
	body := make([]byte, smallAnswer+1)
	release, refusal := hold(withHeld(t.Context(), &h), body, true)
	if refusal != nil || h.bytes != len(body) {
		t.Errorf("%d bytes, %v", h.bytes, refusal)
	}
	release()
	if release, refusal = hold(context.Background(), body, true); refusal != nil || h.bytes != 0 {
		t.Errorf("%d bytes, %v", h.bytes, refusal)
	}
	release()
}
