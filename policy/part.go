package policy

import (
	"cmp"
	"slices"
)

// PartOf cuts a service's part out of a list that is sorted by service.
func PartOf[T any](list []T, service string, of func(*T) string) []T {
	first, _ := slices.BinarySearchFunc(list, service, func(x T, name string) int { return cmp.Compare(of(&x), name) })
	rest := list[first:]
	after, _ := slices.BinarySearchFunc(rest, service, func(x T, name string) int {
		if of(&x) == name {
			return -1
		}
		return 1
	})
	return rest[:after]
}
