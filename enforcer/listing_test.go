package enforcer

import (
	"slices"
	"strings"
)

// sortedElements sorts what stands between the braces of an element list.
func sortedElements(list string) string {
	return strings.Join(sorted(strings.Split(strings.TrimSuffix(list, " }"), ", ")), ", ")
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
