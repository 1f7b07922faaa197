package compare

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/internal/nstest"
)

func TestOrderTakesTurns(t *testing.T) {
	got := order(2, 3, 2)
	want := []int{0, 1, 2, 4, 5, 3, 1, 2, 0, 5, 3, 4}
	if !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	times := make(map[int]int)
	for _, at := range order(6, 3, 4) {
		times[at]++
	}
	if len(times) != 18 {
		t.Errorf("%d of 18 cells are measured", len(times))
	}
	for at, n := range times {
		if n != 4 {
			t.Errorf("cell %d is measured %d times, want 4", at, n)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"", "none static ebbgate"},
		{"static", "static"},
		{"firewall+ebbgate", "firewall+ebbgate"},
	} {
		chosen, err := chooseDefences(tt.name)
		var names []string
		for _, d := range chosen {
			names = append(names, d.Name)
		}
		if got := strings.Join(names, " "); got != tt.want || err != nil {
			t.Errorf("%q: %q, error %v", tt.name, got, err)
		}
	}
	if _, err := chooseDefences("moat"); err == nil || !strings.Contains(err.Error(), `"moat", must be one of none, static, ebbgate,`) {
		t.Errorf("error %v", err)
	}
	if all, err := chooseScenes("", 1000); len(all) != 6 || err != nil {
		t.Errorf("%d kinds, error %v", len(all), err)
	}
	if one, err := chooseScenes("churn", 1000); len(one) != 1 || one[0].Name() != "churn" || err != nil {
		t.Errorf("%d kinds, error %v", len(one), err)
	}
	if _, err := chooseScenes("siege", 1000); err == nil || !strings.Contains(err.Error(), `"siege", must be one of connection-flood,`) {
		t.Errorf("error %v", err)
	}
}

// quick is a comparison of one cell that lasts as short as it can.
func quick(t *testing.T, kind, defence string) Options {
	t.Helper()
	nstest.Lab(t) // is it permitted to make one?
	t.Setenv("TMPDIR", t.TempDir())
	return Options{Kind: kind, Defence: defence, Log: io.Discard, SYNRate: 5000, Calm: 1500 * time.Millisecond,
		Attack: 3 * time.Second, Patience: time.Minute, Serve: serveCommand}
}

func TestCellOfEbbgate(t *testing.T) {
	o := quick(t, "connection-flood", "ebbgate")
	o.Program = nstest.Program(t)
	o.Attack = 10 * time.Second // the daemon has to see it, answer, and the application to recover meanwhile
	var log strings.Builder
	o.Log = &log
	results, err := Compare(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	r := results[0]
	if len(results) != 1 || r.Kind != o.Kind || r.Defence != o.Defence || r.Rounds != 1 {
		t.Errorf("%+v", results)
	}
	if r.FirstRule == Never || r.Recovery == Never || !slices.Contains(r.Told, o.Kind) {
		t.Errorf("the daemon did nothing: %+v", r)
	}
	if r.During.Done == 0 || r.Calm.Done == 0 || r.HeldPeak <= perSource {
		t.Errorf("the attack was not measured: %+v", r)
	}
	if r.CPU.Ebbgate <= 0 || r.CPU.Network <= 0 || r.CPU.Machine <= 0 {
		t.Errorf("CPU %+v", r.CPU)
	}
	if log.String() != row(r)+"\n" {
		t.Errorf("log %q, want the line of %+v", log.String(), r)
	}
}

func TestCellWithoutDefence(t *testing.T) {
	r, err := Compare(t.Context(), quick(t, "slow-application", "none"))
	if err != nil {
		t.Fatal(err)
	}
	got := r[0]
	if got.During.Succeeded == got.During.Done || got.Recovery == Never || got.After.Succeeded == 0 {
		t.Errorf("the application was not seen to fail and recover: %+v", got)
	}
	if got.FirstRule != Never || got.TrackedPeak != 0 || got.CPU.Ebbgate != 0 || got.Clean == Never {
		t.Errorf("there was a defence: %+v", got)
	}
}

func TestCompareEndsEarly(t *testing.T) {
	o := quick(t, "churn", "static")
	ctx, cancel := context.WithCancel(t.Context())
	o.Serve = func() *exec.Cmd { defer cancel(); return serveCommand() }
	if _, err := Compare(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was ended", err)
	}
}

func TestCompareOfWhatDoesNotExist(t *testing.T) {
	for _, o := range []Options{{Kind: "siege"}, {Defence: "moat"}} {
		if _, err := Compare(t.Context(), o); err == nil {
			t.Errorf("%+v is compared", o)
		}
	}
}
