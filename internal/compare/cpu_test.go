package compare

import (
	"os"
	"testing"
	"time"

	"ebbgate/internal/nstest"
)

func TestParseProcessTime(t *testing.T) {
	const tail = " S 1 2 3 4 5 6 7 8 9 10 120 35 14 15"
	for _, tt := range []struct {
		stat string
		want time.Duration
		bad  bool
	}{
		{stat: "77 (ebbgate)" + tail, want: 1550 * time.Millisecond},
		{stat: "77 (napi/attackers-9) (x)" + tail, want: 1550 * time.Millisecond},
		{stat: "77 (ebbgate) S 1 2 3", bad: true},
		{stat: "", bad: true},
		{stat: "77 (ebbgate) S 1 2 3 4 5 6 7 8 9 10 x 35 14", bad: true},
		{stat: "77 (ebbgate) S 1 2 3 4 5 6 7 8 9 10 120 -1 14", bad: true},
	} {
		got, err := parseProcessTime([]byte(tt.stat))
		if got != tt.want || (err != nil) != tt.bad {
			t.Errorf("%q: %v, error %v", tt.stat, got, err)
		}
	}
}

func TestParseMachineTime(t *testing.T) {
	for _, tt := range []struct {
		stat string
		want time.Duration
		bad  bool
	}{
		{stat: "cpu  1 2 3 400 500 6 7 800 0 0\ncpu0 1 2", want: 190 * time.Millisecond},
		{stat: "cpu0 1 2 3 400 500 6 7 800\n", bad: true},
		{stat: "cpu 1 2 3\n", bad: true},
		{stat: "", bad: true},
		{stat: "cpu 1 2 3 4 5 six 7\n", bad: true},
	} {
		got, err := parseMachineTime([]byte(tt.stat))
		if got != tt.want || (err != nil) != tt.bad {
			t.Errorf("%q: %v, error %v", tt.stat, got, err)
		}
	}
}

func FuzzParseTimes(f *testing.F) {
	for _, path := range []string{"/proc/self/stat", "/proc/stat"} {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func([]byte) (time.Duration, error){parseProcessTime, parseMachineTime} {
			if d, err := parse(b); err != nil && d != 0 {
				t.Errorf("%v with the error %v", d, err)
			}
		}
	})
}

func TestCPUTimeGrows(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	machine, err := machineTime()
	if err != nil || machine < before {
		t.Fatalf("the machine used %v, this process %v, error %v", machine, before, err)
	}
	nstest.Await(t, "this process uses CPU", func() bool {
		for i := range 1 << 20 {
			_ = i * i
		}
		now, err := cpuTime(os.Getpid())
		return err == nil && now > before
	})
	if _, err := cpuTime(-1); err == nil {
		t.Error("process -1 has CPU time")
	}
}

func TestCPUShares(t *testing.T) {
	before := cpuTimes{time.Second, time.Second, time.Second, time.Second}
	after := cpuTimes{2 * time.Second, 3 * time.Second, 1500 * time.Millisecond, 11 * time.Second}
	got := cpuOf(after.since(before), 10*time.Second)
	if want := (CPU{10, 20, 5, 100}); got != want || got.Victim() != 35 {
		t.Errorf("%+v, want %+v", got, want)
	}
}
