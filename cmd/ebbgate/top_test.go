package main

import (
	"errors"
	"strings"
	"testing"

	"ebbgate/control"
)

func TestTopShowable(t *testing.T) {
	for _, tt := range []struct {
		terminal bool
		kind     string
		want     string
	}{
		{true, "xterm-256color", ""},
		{true, "linux", ""},
		{false, "xterm", "top needs a terminal for input and output; ebbgate status"},
		{true, "dumb", `TERM="dumb"; ebbgate status`},
		{true, "", `TERM=""; ebbgate status`},
	} {
		err := showable(tt.terminal, tt.kind)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("terminal %t, TERM=%q: %v, want %q in it", tt.terminal, tt.kind, err, tt.want)
		}
	}
}

func TestTopUnicodeTerminal(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want bool
	}{
		{map[string]string{}, false},
		{map[string]string{"LANG": "C"}, false},
		{map[string]string{"LANG": "en_GB.UTF-8"}, true},
		{map[string]string{"LANG": "C.utf8"}, true},
		{map[string]string{"LANG": "en_GB.UTF-8", "LC_CTYPE": "C"}, false},
		{map[string]string{"LANG": "C", "LC_CTYPE": "C", "LC_ALL": "de_DE.UTF-8"}, true},
		{map[string]string{"LANG": "en_GB.UTF-8", "TERM": "linux"}, false},
	} {
		if got := unicodeTerminal(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("%v: %t, want %t", tt.env, got, tt.want)
		}
	}
}

func TestTopHopeless(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{exitWith(exitRuntime, &control.Error{Kind: control.KindStarting}), false},
		{exitWith(exitRuntime, &control.Error{Kind: control.KindForbidden}), true},
		{exitWith(exitUnreachable, &control.UnreachableError{Path: "s", Cause: errors.New("x")}), true},
	} {
		if got := hopeless(tt.err); got != tt.want {
			t.Errorf("%v: %t, want %t", tt.err, got, tt.want)
		}
	}
}

func TestTopWhyNoOrders(t *testing.T) {
	if got := whyNoOrders(0); got != "" {
		t.Errorf("root: %q", got)
	}
	if got := whyNoOrders(1000); !strings.Contains(got, "sudo ebbgate top") {
		t.Errorf("others: %q", got)
	}
}
