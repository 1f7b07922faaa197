package nspawn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// group is the directory of a control group of version 2.
type group string

// visitors is where commands run that are sent into a machine: a group that has groups with controllers
// below it may hold no process itself (cgroups(7)).
func (g group) visitors() group { return g + "/visitors" }

// workers is where what is run on a machine before it boots makes groups of its own.
func (g group) workers() group { return g + "/workers" }

// make makes all of them.
func (g group) make() error {
	for _, dir := range []group{g.visitors(), g.workers()} {
		if err := os.MkdirAll(string(dir), 0o755); err != nil {
			return fmt.Errorf("make control group: %w", err)
		}
	}
	return nil
}

// open returns a descriptor by which a process can be started in the group.
func (g group) open() (*os.File, error) {
	f, err := os.Open(string(g))
	if err != nil {
		return nil, fmt.Errorf("open control group: %w", err)
	}
	return f, nil
}

// populated reports whether any process is in the group or below it.
func (g group) populated() (bool, error) {
	b, err := os.ReadFile(filepath.Join(string(g), "cgroup.events"))
	if err != nil {
		return false, fmt.Errorf("look into control group: %w", err)
	}
	return strings.Contains(string(b), "populated 1"), nil
}

// emptied waits until no process is left, and returns an error if that takes longer than it may.
func (g group) emptied(within time.Duration) error {
	end := time.Now().Add(within)
	for {
		some, err := g.populated()
		if err != nil || !some {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("control group %s still holds processes after %v", g, within)
		}
		time.Sleep(pollEvery)
	}
}

// remove kills every process in the group and below it (cgroup.kill of Linux 5.14) and removes the groups.
// One that is gone is no error.
func (g group) remove() error {
	kill := filepath.Join(string(g), "cgroup.kill")
	if err := os.WriteFile(kill, []byte("1"), 0); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(string(g)); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("end what is in control group %s: %w: this takes Linux 5.14", g, err)
	} else if err != nil {
		return fmt.Errorf("end what is in control group: %w", err)
	}
	if err := g.emptied(10 * time.Second); err != nil {
		return err
	}
	var all []string
	if err := filepath.WalkDir(string(g), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			all = append(all, path)
		}
		return err
	}); err != nil {
		return fmt.Errorf("look into control group: %w", err)
	}
	for _, dir := range slices.Backward(all) {
		if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("remove control group %s: %w", dir, err)
		}
	}
	return nil
}
