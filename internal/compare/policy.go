package compare

import (
	"fmt"

	"ebbgate/internal/demo"
)

// policyText is ebbgate's policy, the same against every kind of attack. Quiet time and blocks are short,
// so that a cell shows the end of them.
func policyText(socket string) string {
	return fmt.Sprintf(`mode = "enforce"

[control]
socket     = %q
view_group = ""

[history]
path = ""

[[service]]
name     = "shop"
ports    = [%d]
capacity = %d

  [service.connections]
  per_source = %d

  [service.rate]
  syn_per_source = "%d/s"
  new_per_source = "%d/s"

  [service.response]
  lease       = "30s"
  quiet       = "8s"
  block_after = "3s"
  block_for   = ["10s"]
`, socket, demo.ServicePort, demo.Capacity, perSource, synPerSource, newPerSource)
}
