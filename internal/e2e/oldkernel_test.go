//go:build oldkernel

package e2e

// kernelFlags build the program as this test was built.
var kernelFlags = oldFlags

// forcedOld: the program takes every kernel for an old one.
const forcedOld = true
