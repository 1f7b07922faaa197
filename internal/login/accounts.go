package login

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// accounts is what passwd(5) and group(5) say, kept until either file changes. Of several entries for one
// name or id the first counts, as in getpwuid(3).
type accounts struct {
	passwd, group stamp
	uids          map[string]uint32
	users         map[uint32]user
	named         map[uint32]string   // groups by id
	member        map[string][]string // groups by user name
}

type user struct {
	name string
	gid  uint32
}

// refresh reads the files again if they have changed. What cannot be read says nothing of anybody.
func (a *accounts) refresh(r *Reader) error {
	return errors.Join(
		a.reload(r, "passwd", &a.passwd, a.parsePasswd),
		a.reload(r, "group", &a.group, a.parseGroup))
}

func (a *accounts) reload(r *Reader, name string, last *stamp, parse func(text string)) error {
	f, now, err := r.open(r.path("etc", name), unix.S_IFREG)
	if err != nil {
		*last = stamp{}
		parse("")
		return err
	}
	defer f.Close()
	if now == *last {
		return nil
	}
	b, err := readAll(f, maxFile)
	if err != nil {
		*last = stamp{}
		parse("")
		return err
	}
	*last = now
	parse(string(b))
	return nil
}

// parsePasswd reads lines name:password:uid:gid:...
func (a *accounts) parsePasswd(text string) {
	a.uids, a.users = make(map[string]uint32), make(map[uint32]user)
	for f := range entries(text, 7) {
		uid, ok1 := parseID(f[2])
		gid, ok2 := parseID(f[3])
		if !ok1 || !ok2 {
			continue
		}
		if _, known := a.uids[f[0]]; !known {
			a.uids[f[0]] = uid
		}
		if _, known := a.users[uid]; !known {
			a.users[uid] = user{f[0], gid}
		}
	}
}

// parseGroup reads lines name:password:gid:user,user,...
func (a *accounts) parseGroup(text string) {
	a.named, a.member = make(map[uint32]string), make(map[string][]string)
	for f := range entries(text, 4) {
		gid, ok := parseID(f[2])
		if !ok {
			continue
		}
		if _, known := a.named[gid]; !known {
			a.named[gid] = f[0]
		}
		for m := range strings.SplitSeq(f[3], ",") {
			if m != "" {
				a.member[m] = append(a.member[m], f[0])
			}
		}
	}
}

// entries yields the fields of lines that have so many. Lines of NIS (+, -) are none.
func entries(text string, n int) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		for line := range strings.SplitSeq(text, "\n") {
			f := strings.Split(line, ":")
			if len(f) != n || f[0] == "" || strings.ContainsAny(f[0][:1], "+-#") {
				continue
			}
			if !yield(f) {
				return
			}
		}
	}
}

// groupsOf returns the names of a user's groups, sorted.
func (a *accounts) groupsOf(uid uint32) []string {
	u, ok := a.users[uid]
	if !ok {
		return nil
	}
	all := slices.Clone(a.member[u.name])
	if primary, ok := a.named[u.gid]; ok {
		all = append(all, primary)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
