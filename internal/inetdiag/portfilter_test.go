package inetdiag

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"ebbgate/policy"
)

// run interprets a program for a local port as inet_diag_bc_run does.
func run(t *testing.T, program []byte, port uint16) bool {
	t.Helper()
	at, steps := 0, 0
	for at < len(program) {
		if steps++; steps > 64 {
			t.Fatalf("port %d: more than 64 steps", port)
		}
		yes, no := int(program[at+1]), int(binary.NativeEndian.Uint16(program[at+2:]))
		var take bool
		switch program[at] {
		case bcJmp:
		case bcSGE:
			take = port >= argument(program, at)
		case bcSLE:
			take = port <= argument(program, at)
		case bcSEQ:
			take = port == argument(program, at)
		default:
			t.Fatalf("operation %d at %d", program[at], at)
		}
		if take {
			at += yes
		} else {
			at += no
		}
	}
	return at == len(program)
}

func argument(program []byte, at int) uint16 {
	return binary.NativeEndian.Uint16(program[at+6:])
}

// audit applies the rules of inet_diag_bc_audit and valid_cc.
func audit(program []byte) error {
	onPath := map[int]bool{}
	for at := 0; at < len(program); at += int(program[at+1]) {
		if program[at+1] < bcLen {
			return fmt.Errorf("no way on from %d", at)
		}
		onPath[at] = true
	}
	for at := range onPath {
		left := len(program) - at
		yes, no := int(program[at+1]), int(binary.NativeEndian.Uint16(program[at+2:]))
		size := bcLen
		if program[at] != bcJmp {
			size = bcCompare
		}
		switch {
		case left < size:
			return fmt.Errorf("operation at %d is cut", at)
		case no < size || no > left+4 || no%4 != 0:
			return fmt.Errorf("no-jump of %d at %d", no, at)
		case no < left && !onPath[at+no]:
			return fmt.Errorf("no-jump from %d to %d, off the path", at, at+no)
		case yes < size || yes > left+4 || yes%4 != 0:
			return fmt.Errorf("yes-jump of %d at %d", yes, at)
		}
	}
	return nil
}

func TestPortFilter(t *testing.T) {
	tests := []struct {
		name   string
		ranges []policy.PortRange
	}{
		{"one port", []policy.PortRange{{First: 80, Last: 80}}},
		{"one range", []policy.PortRange{{First: 8000, Last: 8010}}},
		{"all", []policy.PortRange{{First: 1, Last: 65535}}},
		{"from zero", []policy.PortRange{{First: 0, Last: 0}}},
		{"edges", []policy.PortRange{{First: 1, Last: 1}, {First: 65535, Last: 65535}}},
		{"unsorted", []policy.PortRange{{First: 443, Last: 443}, {First: 80, Last: 80}, {First: 22, Last: 22}}},
		{"overlapping", []policy.PortRange{{First: 10, Last: 30}, {First: 20, Last: 40}, {First: 15, Last: 16}}},
		{"touching at the top", []policy.PortRange{{First: 1, Last: 65534}, {First: 65535, Last: 65535}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkFilter(t, tt.ranges) })
	}
}

func TestPortFilterRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 5, 8, 64, 511, 512} {
		t.Run(fmt.Sprint(n), func(t *testing.T) { checkFilter(t, randomRanges(rnd, n)) })
	}
}

// randomRanges returns n ranges that neither overlap nor touch, shuffled.
func randomRanges(rnd *rand.Rand, n int) []policy.PortRange {
	step := 65536 / n
	ranges := make([]policy.PortRange, n)
	for i := range ranges {
		first := i*step + 1 + rnd.IntN(step/2)
		last := first
		if rnd.IntN(2) == 0 {
			last += rnd.IntN(step/2 - 1)
		}
		ranges[i] = policy.PortRange{First: uint16(first), Last: uint16(last)}
	}
	rnd.Shuffle(n, func(i, j int) { ranges[i], ranges[j] = ranges[j], ranges[i] })
	return ranges
}

func checkFilter(t *testing.T, ranges []policy.PortRange) {
	t.Helper()
	program, err := PortFilter(ranges)
	if err != nil {
		t.Fatal(err)
	}
	if err := audit(program); err != nil {
		t.Fatal(err)
	}
	for port := range 65536 {
		want := false
		for _, r := range ranges {
			want = want || r.Contains(uint16(port))
		}
		if got := run(t, program, uint16(port)); got != want {
			t.Fatalf("port %d: selected %v, want %v", port, got, want)
		}
	}
}

func TestPortFilterRefuses(t *testing.T) {
	many := make([]policy.PortRange, MaxPortRanges+1)
	for i := range many {
		many[i] = policy.PortRange{First: uint16(2*i + 1), Last: uint16(2*i + 1)}
	}
	tests := []struct {
		name   string
		ranges []policy.PortRange
	}{
		{"none", nil},
		{"inverted", []policy.PortRange{{First: 9, Last: 8}}},
		{"too many", many},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if p, err := PortFilter(tt.ranges); err == nil {
				t.Errorf("got a program of %d bytes, want an error", len(p))
			}
		})
	}
}

func TestPortFilterLeavesItsArgument(t *testing.T) {
	ranges := []policy.PortRange{{First: 20, Last: 30}, {First: 10, Last: 25}}
	if _, err := PortFilter(ranges); err != nil {
		t.Fatal(err)
	}
	if ranges[0] != (policy.PortRange{First: 20, Last: 30}) || ranges[1] != (policy.PortRange{First: 10, Last: 25}) {
		t.Errorf("the argument was changed to %v", ranges)
	}
}
