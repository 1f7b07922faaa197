// Package escape makes text safe for where it is written, when a stranger may have chosen it: the name a
// process gives itself, a reason, the comment of an imported file. There is one function for each medium,
// and this is the only home of each. It is a leaf: it imports nothing of the others and touches nothing.
package escape
