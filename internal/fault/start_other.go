//go:build !amd64

package fault

// atStart is no call: here a program makes none before it looks for the vDSO.
const atStart = ^uint32(0)
