package cgroup

import (
	"path"
	"slices"
	"strings"
)

// Unit is what a control group stands for.
type Unit struct {
	// Name is that of a service, socket or scope, as "nginx.service"; empty: none. It is a name to show:
	// whoever may make groups chooses theirs, and a user's own service manager does.
	Name string
	// SSH says that it is sshd as the system's service manager runs it, and no other unit of that name.
	SSH bool
}

// UnitOf returns the unit of a group by its path in the cgroup2 mount.
func UnitOf(group string) Unit { return Unit{innermost(group), isSSH(group)} }

// innermost returns the last service, socket or scope of a path, or "" if there is none.
func innermost(group string) string {
	for _, e := range slices.Backward(strings.Split(group, "/")) {
		switch ext := path.Ext(e); ext {
		case ".service", ".socket", ".scope":
			if e != ext {
				return e
			}
		}
	}
	return ""
}

// sshUnits are the names under which distributions start sshd.
var sshUnits = [...]string{"ssh", "sshd"}

// isSSH reports whether a group's path is that of sshd as the system's service manager runs it:
// ssh.service, sshd.service, their sockets, or an instance of their templates, in /system.slice or
// the slice of the template in it. Nobody but root can make a group there. A unit of that name
// anywhere else, as in a user's own manager or in a container, is not the host's sshd.
func isSSH(group string) bool {
	inside, ok := strings.CutPrefix(group, "/system.slice/")
	if !ok {
		return false
	}
	slice, unit, nested := strings.Cut(inside, "/")
	if !nested {
		slice, unit = "", inside
	}
	for _, name := range sshUnits {
		if slice != "" && slice != "system-"+name+".slice" {
			continue
		}
		if unit == name+".service" || unit == name+".socket" {
			return true
		}
		instance, ok := strings.CutPrefix(unit, name+"@")
		if ok && strings.HasSuffix(instance, ".service") && !strings.Contains(instance, "/") {
			return true
		}
	}
	return false
}
