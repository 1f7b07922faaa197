package nspawn

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// prefix begins the names of all directories and control groups of this package.
const prefix = "ebbgate-nspawn-"

// ownName is the pattern, for os.MkdirTemp, of what belongs to a process: its number and the moment it
// began, so that a process which comes by the same number later is not taken for it.
func ownName(pid int) (string, error) {
	began, err := beginning(pid)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s%d-%s-*", prefix, pid, began), nil
}

// named is what MkdirTemp makes of it.
var named = regexp.MustCompile(`^` + prefix + `([0-9]{1,7})-([0-9]{1,20})-[0-9]+$`)

// orphaned reports whether name is of this package and of a process that has ended.
func orphaned(name string) bool {
	m := named.FindStringSubmatch(name)
	if m == nil {
		return false
	}
	var pid int
	if _, err := fmt.Sscan(m[1], &pid); err != nil {
		return false
	}
	began, err := beginning(pid)
	return err != nil || began != m[2]
}

// beginning returns when a process began, in ticks since boot: the 22nd field of proc_pid_stat(5). What is
// before the third is in parentheses and may hold anything.
func beginning(pid int) (string, error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("look when process %d began: %w", pid, err)
	}
	text := string(b)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return "", fmt.Errorf("look when process %d began: %s has %d fields", pid, path, len(fields)+2)
	}
	return fields[19], nil
}
