package e2e

import (
	"testing"

	"ebbgate/internal/nstest"
)

// ownerless tells whether tables have no owners, so that they outlive whoever made them: by the kernel, or
// because the program takes it for an old one.
func ownerless(t *testing.T) bool {
	t.Helper()
	return forcedOld || !nstest.Linux(t, 5, 12)
}
