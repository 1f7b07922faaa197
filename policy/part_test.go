package policy

import (
	"slices"
	"testing"
)

func TestPartOf(t *testing.T) {
	list := []string{"a", "a", "c", "d", "d", "d"}
	of := func(s *string) string { return *s }
	for service, want := range map[string][]string{"a": {"a", "a"}, "b": {}, "c": {"c"}, "d": {"d", "d", "d"}, "": {}, "e": {}} {
		if got := PartOf(list, service, of); !slices.Equal(got, want) {
			t.Errorf("part of %q: %v, want %v", service, got, want)
		}
	}
	if got := PartOf(nil, "a", of); len(got) != 0 {
		t.Errorf("part of nothing: %v", got)
	}
}
