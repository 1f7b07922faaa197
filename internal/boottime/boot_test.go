package boottime

import (
	"os"
	"strings"
	"testing"
)

func TestBootIsTheKernelsAndStays(t *testing.T) {
	want, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := Boot(); err != nil || got != strings.TrimSpace(string(want)) || len(got) != 36 {
			t.Errorf("boot %q, %v, want %q", got, err, want)
		}
	}
}
