package enforcer

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

const (
	// scanEvery is the least time between two listings of everybody's rules. Their owner may change
	// them many times a second.
	scanEvery = 500 * time.Millisecond
	// scanBudget is the CPU time a listing may take. The kernel finds its place again between two
	// reads of 32 KiB by counting rules, so that its cost grows with their square: 100,000 in one
	// chain take 3 s, 15,000 a tenth of one.
	scanBudget = 100 * time.Millisecond
	// scanShare is how much longer than a listing took the pause after it is: listings take 2 % of a
	// core at most, however many rules there are and however often they change.
	scanShare = 50
)

// trackScan finds out whether anybody but us uses conntrack in this namespace. The kernel does
// not say so; its users are read from their rules.
type trackScan struct {
	conn  *nlwire.Conn
	names [2]legacyTables // of IPv4 and IPv6
	last  place           // where a user was found; asked first, since it is likely to be there still
	body  []byte          // scratch for requests
	pause time.Duration

	until  time.Duration // CPU time of this thread at which the listing is given up
	gaveUp bool
}

// place is a chain, whose table is "" for none.
type place struct {
	family       byte
	table, chain string
}

// newTrackScan opens what the scan reads in the calling thread's network namespace.
func newTrackScan() (*trackScan, error) {
	conn, err := nlwire.Open(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("open nf_tables socket: %w", err)
	}
	s := &trackScan{conn: conn, pause: scanEvery}
	s.names[0].path = "/proc/thread-self/net/ip_tables_names"
	s.names[1].path = "/proc/thread-self/net/ip6_tables_names"
	return s, nil
}

func (s *trackScan) close() error {
	errs := []error{s.conn.Close()}
	for i := range s.names {
		errs = append(errs, s.names[i].close())
	}
	return errors.Join(errs...)
}

// legacy reports whether any table of the older iptables is loaded, for either family.
func (s *trackScan) legacy() (legacyUse, error) {
	most := legacyNone
	for i := range s.names {
		use, err := s.names[i].use()
		if err != nil {
			return legacyNone, err
		}
		most = max(most, use)
	}
	return most, nil
}

// users reports whether a rule, an object or a set outside our table keeps conntrack running. More
// of them than can be listed within scanBudget count as one that does: it must not be broken, and
// such a host nearly always has one. sure is false where none was found but what was listed changed
// meanwhile. The next call is not due before s.pause has passed.
func (s *trackScan) users() (found, sure bool, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadTime()
	s.until = before + scanBudget
	if s.gaveUp { // lest the answer change to and fro
		s.until = before + scanBudget/2
	}
	s.gaveUp = false
	found, sure, err = s.list()
	s.pause = max(scanEvery, scanShare*(threadTime()-before))
	return found || s.gaveUp, sure || s.gaveUp, err
}

func (s *trackScan) list() (found, sure bool, err error) {
	if s.last.table != "" {
		if found, _, err = s.rules(s.last); found || err != nil {
			return found, found, err
		}
		s.last = place{}
	}
	sure = true
	for _, kind := range []func() (bool, bool, error){
		func() (bool, bool, error) { return s.rules(place{}) },
		func() (bool, bool, error) { return s.dump(unix.NFT_MSG_GETOBJ, unix.NFT_MSG_NEWOBJ, objectTracks) },
		func() (bool, bool, error) { return s.dump(unix.NFT_MSG_GETSET, unix.NFT_MSG_NEWSET, setTracks) },
	} {
		found, whole, err := kind()
		if found || s.gaveUp || err != nil {
			return found, found, err
		}
		sure = sure && whole
	}
	return false, sure, nil
}

// rules looks at the rules of one chain, or at all.
func (s *trackScan) rules(at place) (found, whole bool, err error) {
	s.body = nlwire.AppendNetfilter(s.body[:0], at.family, 0)
	if at.table != "" {
		s.body = nlwire.AppendString(s.body, unix.NFTA_RULE_TABLE, at.table)
		s.body = nlwire.AppendString(s.body, unix.NFTA_RULE_CHAIN, at.chain)
	}
	return s.ask(unix.NFT_MSG_GETRULE, unix.NFT_MSG_NEWRULE, func(msg []byte) bool {
		uses := usesTrack(msg)
		if uses {
			s.last = placeOf(msg)
		}
		return uses
	})
}

// dump looks at all objects of a kind.
func (s *trackScan) dump(get, answer uint16, tracks func([]byte) bool) (found, whole bool, err error) {
	s.body = nlwire.AppendNetfilter(s.body[:0], unix.NFPROTO_UNSPEC, 0)
	return s.ask(get, answer, tracks)
}

// ask sends the request in s.body and looks at the answers until one tracks.
func (s *trackScan) ask(get, answer uint16, tracks func([]byte) bool) (found, whole bool, err error) {
	const subsystem = unix.NFNL_SUBSYS_NFTABLES << 8
	stop := func() bool {
		s.gaveUp = !found && threadTime() > s.until
		return found || s.gaveUp
	}
	err = s.conn.Do(&nlwire.Request{Type: subsystem | get, Dump: true, Body: s.body, Answer: subsystem | answer, Stop: stop},
		func(msg []byte) bool {
			found = found || tracks(msg)
			return true
		})
	switch {
	case err == nil:
		return found, true, nil
	case errors.Is(err, nlwire.ErrStopped):
		return found, false, s.renew()
	case errors.Is(err, nlwire.ErrInterrupted), errors.Is(err, nlwire.ErrOverrun), errors.Is(err, unix.ENOENT):
		return found, false, nil
	}
	return found, false, fmt.Errorf("list everybody's rules: %w", err)
}

// renew ends a listing that was given up, which would have to be read to its end otherwise. Like
// newTrackScan it must run in the network namespace.
func (s *trackScan) renew() error {
	conn, err := nlwire.Open(unix.NETLINK_NETFILTER)
	if err != nil {
		return fmt.Errorf("open nf_tables socket: %w", err)
	}
	old := s.conn
	s.conn = conn
	return old.Close()
}

// threadTime is the CPU time of the calling thread (CLOCK_THREAD_CPUTIME_ID of clock_gettime(2),
// older than any kernel this runs on).
func threadTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		panic(fmt.Sprintf("read CLOCK_THREAD_CPUTIME_ID: %v", err))
	}
	return time.Duration(ts.Nano())
}
