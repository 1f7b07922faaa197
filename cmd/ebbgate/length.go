package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// parseLength reads a duration as Go writes it, or a number of days.
func parseLength(text string) (time.Duration, error) {
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		n, err := strconv.ParseUint(days, 10, 16)
		if err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a length of time; it must be like 90m, 24h or 7d", text)
	}
	return d, nil
}

// formatLength writes a length as people type it: Go's form without the units that are zero.
func formatLength(d time.Duration) string {
	text := d.String()
	if d == 0 {
		return "0" // by which pflag knows a default that need not be told
	}
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// lengthValue is the value of a flag that takes a length of time.
type lengthValue time.Duration

// String writes it as it can be typed.
func (v *lengthValue) String() string { return formatLength(time.Duration(*v)) }

// Set reads it.
func (v *lengthValue) Set(text string) error {
	d, err := parseLength(text)
	if err == nil {
		*v = lengthValue(d)
	}
	return err
}

// Type is what the help calls such a value where the flag does not say it.
func (v *lengthValue) Type() string { return "duration" }

// lengthVar adds a flag that takes a length of time.
func lengthVar(f *pflag.FlagSet, d *time.Duration, name string, given time.Duration, usage string) {
	*d = given
	f.Var((*lengthValue)(d), name, usage)
}
