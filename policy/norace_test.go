//go:build !race

package policy

import "math"

const (
	fewerWorlds = 1
	mostVaried  = math.MaxInt
)
