//go:build oldkernel

package enforcer

// oldKernel is true in a build that takes the kernel for one without what came after Linux 5.10, so
// that the tests show what is done instead.
const oldKernel = true
