package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
)

// HowToRead adds to an error of ReadPolicy, in the daemon's own process, what to do about a file that this
// process cannot read or that is not there. Any other error is returned as it is, also none.
func HowToRead(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: put a policy there (ebbgate check FILE tells whether it is good)", err)
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0:
		return fmt.Errorf("%w: the daemon runs as user %s and must be able to read it, and to enter its directories: chgrp %s %s; chmod 640 %[4]s",
			err, userName(os.Geteuid()), groupName(os.Getegid()), path)
	}
	return err
}

// userName is the name of a user, or its number where it has none.
func userName(id int) string {
	number := strconv.Itoa(id)
	found, err := user.LookupId(number)
	if err != nil {
		return number
	}
	return cmp.Or(found.Username, number)
}

// groupName is the name of a group, or its number where it has none.
func groupName(id int) string {
	number := strconv.Itoa(id)
	found, err := user.LookupGroupId(number)
	if err != nil {
		return number
	}
	return cmp.Or(found.Name, number)
}
