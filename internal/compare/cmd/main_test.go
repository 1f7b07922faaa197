package main

import (
	"errors"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-siege"}, {"churn"}, {"-rounds", "many"}} {
		if err := run(t.Context(), args); !errors.Is(err, errUsage) {
			t.Errorf("%q: error %v, want that it is the caller's mistake", args, err)
		}
	}
	if err := run(t.Context(), []string{"-help"}); err != nil {
		t.Errorf("error %v", err)
	}
}

func TestWhatDoesNotExist(t *testing.T) {
	for flag, name := range map[string]string{"-kind": "attack", "-defence": "defence"} {
		err := run(t.Context(), []string{flag, "siege"})
		if err == nil || !strings.Contains(err.Error(), "no "+name+` is called "siege", must be one of `) {
			t.Errorf("%s: error %v", flag, err)
		}
	}
}
