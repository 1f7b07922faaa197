package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// serviceUser is whom the package's unit runs the daemon as.
const serviceUser = "ebbgate"

// accessWarning says that the service's user cannot read a policy file, if root asks: anybody else reads
// with his own eyes only. Where the package's user is not known there is nothing to say.
func accessWarning(path string) []string {
	if os.Geteuid() != 0 {
		return nil
	}
	found, err := user.Lookup(serviceUser)
	if err != nil {
		return nil
	}
	r, err := readerOf(found)
	if err != nil {
		return nil
	}
	return r.warning(path)
}

// reader is a user who would read a file.
type reader struct {
	name string
	uid  uint32
	gids []uint32 // his own first
}

func readerOf(u *user.User) (reader, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return reader{}, fmt.Errorf("read number of user %q: %w", u.Username, err)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return reader{}, fmt.Errorf("list groups of user %q: %w", u.Username, err)
	}
	r := reader{name: u.Username, uid: uint32(uid)}
	for _, id := range append([]string{u.Gid}, ids...) {
		gid, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return reader{}, fmt.Errorf("read number of a group of user %q: %w", u.Username, err)
		}
		r.gids = append(r.gids, uint32(gid))
	}
	return r, nil
}

// warning says what keeps the user from reading the file, and what to do.
func (r *reader) warning(path string) []string {
	file, err := filepath.EvalSymlinks(path)
	if err == nil {
		file, err = filepath.Abs(file)
	}
	if err != nil {
		return nil // it has been read, and is gone now
	}
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		if !r.may(dir, mayEnter) {
			return []string{fmt.Sprintf("the service's user %s may not enter %s, so the daemon could not read this file: put it into %s",
				r.name, dir, filepath.Dir(defaultPolicy))}
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if !r.may(file, mayRead) {
		return []string{fmt.Sprintf("the service's user %s may not read this file, so the daemon could not: chgrp %[1]s %s; chmod 640 %[2]s",
			r.name, path)}
	}
	return nil
}

// Permissions, as in the last octal digit of a mode (inode(7)).
const (
	mayEnter = 1 // of a directory
	mayRead  = 4
)

// may reports whether the user has a permission. Where an access control list (acl(5)) decides he is taken
// to have it: a warning must not be wrong.
func (r *reader) may(path string, permission fs.FileMode) bool {
	info, err := os.Stat(path)
	if err != nil {
		return true
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if _, err := unix.Getxattr(path, "system.posix_acl_access", nil); !ok || err == nil {
		return true
	}
	switch mode := info.Mode().Perm(); {
	case owner.Uid == r.uid:
		return mode>>6&permission != 0
	case slices.Contains(r.gids, owner.Gid):
		return mode>>3&permission != 0
	default:
		return mode&permission != 0
	}
}
