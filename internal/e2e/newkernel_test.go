//go:build !oldkernel

package e2e

var kernelFlags []string

const forcedOld = false
