package boottime

import (
	"fmt"
	"os"
	"strings"
)

// bootID is where the kernel tells what it drew at random for this boot; see random(4).
const bootID = "/proc/sys/kernel/random/boot_id"

// Boot returns what tells this boot from others. It does not change until the next one.
func Boot() (string, error) {
	b, err := os.ReadFile(bootID)
	if err != nil {
		return "", fmt.Errorf("tell which boot this is: %w", err)
	}
	id := strings.TrimSpace(string(b))
	if id == "" || len(id) > 64 {
		return "", fmt.Errorf("tell which boot this is: %s has %d bytes, want 36", bootID, len(b))
	}
	return id, nil
}
