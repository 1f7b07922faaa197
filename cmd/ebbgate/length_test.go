package main

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func TestLengths(t *testing.T) {
	for _, tt := range []struct {
		text   string
		length time.Duration
		back   string // as it is shown
	}{
		{"7d", 7 * 24 * time.Hour, "168h"},
		{"1h", time.Hour, "1h"},
		{"90m", 90 * time.Minute, "1h30m"},
		{"1h30m5s", 90*time.Minute + 5*time.Second, "1h30m5s"},
		{"10h", 10 * time.Hour, "10h"},
		{"20m", 20 * time.Minute, "20m"},
		{"30s", 30 * time.Second, "30s"},
		{"250ms", 250 * time.Millisecond, "250ms"},
		{"-1s", -time.Second, "-1s"},
		{"0", 0, "0"},
	} {
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		var d time.Duration
		lengthVar(f, &d, "for", tt.length, "`DURATION`")
		if shown := f.Lookup("for").DefValue; d != tt.length || shown != tt.back {
			t.Errorf("%s: %v by default, shown as %s, want %s", tt.text, d, shown, tt.back)
		}
		d = 5
		if err := f.Parse([]string{"--for", tt.text}); err != nil || d != tt.length {
			t.Errorf("%s: read as %v (%v)", tt.text, d, err)
		}
		if again, err := parseLength(tt.back); err != nil || again != tt.length {
			t.Errorf("%s: shown as %s, which is read as %v (%v)", tt.text, tt.back, again, err)
		}
	}
	for _, text := range []string{"", "soon", "d", "1.5d", "-1d", "99999d", "7"} {
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		d := time.Minute
		lengthVar(f, &d, "for", d, "`DURATION`")
		if err := f.Set("for", text); err == nil || !strings.Contains(err.Error(), "it must be like 90m, 24h or 7d") || d != time.Minute {
			t.Errorf("%q: %v, %v", text, d, err)
		}
	}
}

// TestEveryLengthTakesDays holds every flag that takes a length to one way to write it.
func TestEveryLengthTakesDays(t *testing.T) {
	found := 0
	for _, path := range leaves(newRoot(), nil) {
		c, _, err := newRoot().Find(path)
		if err != nil {
			t.Fatal(err)
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if name, _ := pflag.UnquoteUsage(f); name != "DURATION" {
				if f.Value.Type() == "duration" {
					t.Errorf("%v --%s takes a length, but calls it %q", path, f.Name, name)
				}
				return
			}
			found++
			if err := f.Value.Set("7d"); err != nil {
				t.Errorf("%v --%s: %v", path, f.Name, err)
			}
		})
	}
	if found < 14 {
		t.Errorf("only %d flags take a length", found)
	}
}

// TestFlagsOfOneName have one way to be given, and one name for what they take.
func TestFlagsOfOneName(t *testing.T) {
	for _, path := range leaves(newRoot(), nil) {
		c, _, err := newRoot().Find(path)
		if err != nil {
			t.Fatal(err)
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			name, _ := pflag.UnquoteUsage(f)
			switch {
			case f.Name == "service" && name != "SERVICE", f.Name == "limit" && (name != "N" || f.Shorthand != "n"), f.Shorthand == "n" && f.Name != "limit":
				t.Errorf("%v: --%s, -%s takes %q", path, f.Name, f.Shorthand, name)
			}
		})
	}
}
