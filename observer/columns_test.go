package observer

import (
	"os"
	"path/filepath"
	"testing"
)

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestReadColumns(t *testing.T) {
	tests := []struct {
		name  string
		in    string
		bad   bool
		found bool
		value uint64
	}{
		{"OK", "A: x y\nA: 1 2\n", false, true, 2},
		{"OK last line not ended", "A: x y\nA: 1 2", false, true, 2},
		{"OK more names than values", "A: x y\nA: 1\n", false, false, 0},
		{"OK more values than names", "A: y\nA: 1 2\n", false, true, 1},
		{"OK other table", "B: y\nB: 1\n", false, false, 0},
		{"OK second table", "B: y\nB: 1\nA: y\nA: 5\n", false, true, 5},
		{"OK nonsense in a foreign column", "A: x y\nA: -1 2\n", false, true, 2},
		{"OK greatest number", "A: y\nA: 18446744073709551615\n", false, true, 1<<64 - 1},
		{"OK spaces", "A:  x   y \nA:  1   2 \n", false, true, 2},
		{"OK empty", "", false, false, 0},
		{"OK table without columns", "A:\nA:\n", false, false, 0},
		{"bad negative", "A: y\nA: -1\n", true, false, 0},
		{"bad overflow", "A: y\nA: 18446744073709551616\n", true, false, 0},
		{"bad word", "A: y\nA: y\n", true, false, 0},
		{"bad pair", "A: y\nB: 1\n", true, false, 0},
		{"bad no values", "A: y\n", true, false, 0},
		{"bad no table", "x y\n1 2\n", true, false, 0},
		{"bad empty table", ": y\n: 1\n", true, false, 0},
		{"bad empty lines", "\n\n", true, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := []column{{table: "A", name: "y", value: 99, found: true}}
			err := readColumns([]byte(tt.in), want)
			if (err != nil) != tt.bad {
				t.Fatalf("error %v, want one: %v", err, tt.bad)
			}
			if !tt.bad && (want[0].found != tt.found || want[0].value != tt.value) {
				t.Errorf("found %v, value %d; want %v, %d", want[0].found, want[0].value, tt.found, tt.value)
			}
		})
	}
}

func TestReadColumnsDoesNotAllocate(t *testing.T) {
	b := fixture(t, "netstat-6.18")
	want := []column{{table: "TcpExt", name: "ListenDrops"}, {table: "TcpExt", name: "SyncookiesSent"}}
	if n := testing.AllocsPerRun(20, func() {
		if err := readColumns(b, want); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzReadColumns(f *testing.F) {
	for _, name := range []string{"snmp-6.18", "netstat-6.18", "netstat-older", "netstat-newer"} {
		f.Add(fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		want := []column{{table: "Tcp", name: "CurrEstab"}, {table: "TcpExt", name: "ListenDrops"}}
		err := readColumns(b, want)
		again := []column{{table: "Tcp", name: "CurrEstab", value: 7, found: true}, {table: "TcpExt", name: "ListenDrops", value: 7}}
		if second := readColumns(b, again); (err == nil) != (second == nil) {
			t.Fatalf("first %v, then %v", err, second)
		}
		for i := range want {
			if err == nil && want[i] != again[i] {
				t.Errorf("column %+v depends on what was there before: %+v", want[i], again[i])
			}
			if !want[i].found && want[i].value != 0 {
				t.Errorf("value %d of a column that was not found", want[i].value)
			}
		}
	})
}
