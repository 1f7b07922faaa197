package compare

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ebbgate/internal/nstest"
)

func TestSummarise(t *testing.T) {
	measured := make(map[Traffic]map[Rules][]float64)
	for _, traffic := range allTraffic() {
		measured[traffic] = map[Rules][]float64{
			NoRules: {100, 200, 400}, Peace: {100, 200, 400}, Shadow: {200, 100, 40}, Enforce: {50, 100, 400},
		}
	}
	got := summarise(measured)
	if len(got) != len(allTraffic())*len(allRules()) {
		t.Fatalf("%d rates", len(got))
	}
	want := []Rate{{Blocked, NoRules, 200, 1}, {Blocked, Peace, 200, 1}, {Blocked, Shadow, 100, 0.5}, {Blocked, Enforce, 100, 0.5}}
	if diff := cmp.Diff(want, got[:4]); diff != "" {
		t.Errorf("want - got +\n%s", diff)
	}
}

// TestRates measures everything once, for as short as it can.
func TestRates(t *testing.T) {
	nstest.Lab(t)
	rates, err := Rates(t.Context(), RateOptions{Rounds: 1, Each: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rates {
		if r.Packets <= 0 || r.Ratio <= 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestRatesEndEarly(t *testing.T) {
	nstest.Lab(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Rates(ctx, RateOptions{Rounds: 1, Each: time.Minute}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was ended", err)
	}
}
