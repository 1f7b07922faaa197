package main

import (
	"strings"
	"testing"
)

func TestRunWantsOneAddress(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "usage"},
		{[]string{"10.77.0.1:80", "10.77.0.1:81"}, "usage"},
		{[]string{"10.77.0.1"}, "read the address"},
		{[]string{"shop:80"}, "read the address"},
		{[]string{"10.77.0.1:0"}, "10.77.0.1:0"},
	} {
		if err := run(tt.args); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("run(%q): %v, want it to say %q", tt.args, err, tt.want)
		}
	}
}
