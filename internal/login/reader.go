package login

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"

	"ebbgate/policy"
)

// MaxSessions is how many sessions a Reader returns.
const MaxSessions = 256

// Reader reads login sessions. It belongs to one goroutine.
type Reader struct {
	root     string
	owner    uint32 // of every file that is believed
	layout   utmpLayout
	alive    func(pid int32) bool
	accounts accounts
}

// NewReader returns a Reader of the files below a root directory, "/" but in tests.
func NewReader(root string) *Reader {
	return &Reader{root: root, layout: layoutOf(runtime.GOARCH), alive: processLives}
}

// Sessions returns the remote logins of this moment, by address, then root's first, without duplicates:
// one entry for each user and address. If there are more than MaxSessions those of root come first, then
// those of members of the preferred groups; the error says then that some were left out. With any other
// error, too, what is returned is right, and perhaps not all. Where there are no records at all it
// returns nothing and no error.
func (r *Reader) Sessions(prefer []string) ([]policy.Session, error) {
	logins, err := r.logind()
	if errors.Is(err, fs.ErrNotExist) {
		if logins, err = r.utmp(); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	if err != nil {
		err = fmt.Errorf("read login sessions: %w", err)
	}
	if len(logins) == 0 {
		return nil, err
	}
	if wrong := r.accounts.refresh(r); wrong != nil {
		err = errors.Join(err, fmt.Errorf("read the groups of who is logged in: %w", wrong))
	}
	all := make([]policy.Session, 0, len(logins))
	for _, l := range logins {
		if s, ok := r.session(l); ok {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, compare)
	all = slices.CompactFunc(all, func(a, b policy.Session) bool { return compare(a, b) == 0 })
	if n := len(all) - MaxSessions; n > 0 {
		err = errors.Join(err, fmt.Errorf("more than %d login sessions: %d of them are not looked at", MaxSessions, n))
		slices.SortStableFunc(all, func(a, b policy.Session) int { return cmp.Compare(rank(a, prefer), rank(b, prefer)) })
		all = all[:MaxSessions:MaxSessions]
		slices.SortFunc(all, compare)
	}
	return all, err
}

// session looks up the user of a login.
func (r *Reader) session(l login) (policy.Session, bool) {
	if l.user != "" {
		uid, ok := r.accounts.uids[l.user]
		if !ok {
			return policy.Session{}, false
		}
		l.uid = uid
	}
	return policy.Session{From: l.from, Root: l.uid == 0, Groups: r.accounts.groupsOf(l.uid)}, true
}

// compare is a total order of sessions.
func compare(a, b policy.Session) int {
	if c := a.From.Compare(b.From); c != 0 {
		return c
	}
	if a.Root != b.Root {
		if a.Root {
			return -1
		}
		return 1
	}
	return slices.Compare(a.Groups, b.Groups)
}

// rank orders sessions by what they are kept for.
func rank(s policy.Session, prefer []string) int {
	switch {
	case s.Root:
		return 0
	case slices.ContainsFunc(s.Groups, func(g string) bool { return slices.Contains(prefer, g) }):
		return 1
	}
	return 2
}

func (r *Reader) path(elements ...string) string {
	return filepath.Join(append([]string{r.root}, elements...)...)
}
