package suggest

import (
	"math"
	"strings"
	"testing"

	"ebbgate/policy"
)

func TestCapacity(t *testing.T) {
	nginx := func(n, files int) (out []Process) {
		for i := range n {
			out = append(out, Process{PID: 100 + i, Name: "nginx", Unit: "nginx.service", FileLimit: 4096, Files: files})
		}
		return out
	}
	for _, c := range []struct {
		name     string
		all      []Process
		held     int
		proposed int
		workers  int
		why      string
	}{
		{"one process", nginx(1, 100), 0, 3500, 1, ""},
		{"its connections are not taken off twice", nginx(1, 1100), 1000, 3500, 1, ""},
		{"a parent and four workers", nginx(5, 20), 0, 14000, 4, ""},
		{"in any order", []Process{nginx(2, 9)[1], nginx(2, 9)[0]}, 0, 3600, 1, ""},
		{"a small limit", []Process{{PID: 9, Name: "a", FileLimit: 1024, Files: 20}}, 0, 700, 1, ""},
		{"nothing left", []Process{{PID: 9, Name: "a", FileLimit: 256, Files: 20}}, 0, 0, 1, "20 of 256 files are open"},
		{"a large one", []Process{{PID: 9, Name: "a", FileLimit: 1 << 30, Files: 20}}, 0, policy.MaxCapacity, 1, ""},
		{"two programs", append(nginx(2, 0), Process{PID: 900, Name: "b", FileLimit: 1024, Files: 0}), 0, 4600, 2, ""},
		{"no limit", []Process{{PID: 9, Name: "a", FileLimit: math.MaxUint64}}, 0, 0, 0, "any number of files"},
		{"a limit that cannot be seen", []Process{{PID: 9, Name: "a", Files: -1}}, 0, 0, 0, "cannot be seen"},
		{"a process for each connection", []Process{{PID: 9, Name: "sshd", FileLimit: 1024, Files: 8}}, 0, 0, 0, "a process for each connection"},
		{"only the service manager", []Process{{PID: 1, Name: "systemd", FileLimit: 1024, Files: 8}}, 0, 0, 0, "no process"},
		{"nobody", nil, 0, 0, 0, "no process"},
	} {
		got := capacityOf(c.all, c.held)
		if got.Proposed != c.proposed || got.Processes != c.workers || !strings.Contains(got.Why, c.why) || (got.Why == "") != (c.why == "") {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestRounding(t *testing.T) {
	for _, c := range []struct{ n, up, down int }{{20, 20, 20}, {21, 30, 20}, {99, 100, 90}, {101, 150, 100}, {1000, 1000, 1000}, {1001, 1100, 1000},
		{7300, 7300, 7300}, {10001, 11000, 10000}, {123456, 130000, 120000}, {3, 10, 3}} {
		if up, down := roundUp(c.n), roundDown(c.n); up != c.up || down != c.down {
			t.Errorf("%d: up %d, down %d, want %d and %d", c.n, up, down, c.up, c.down)
		}
	}
	for n := range 200000 {
		if up, down := roundUp(n), roundDown(n); up < n || down > n || n > 100 && (up > 2*n || down < n/2) {
			t.Fatalf("%d: up %d, down %d", n, up, down)
		}
	}
}
