package enforcer

import (
	"errors"
	"net"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nftwire"
	"ebbgate/internal/setdump"
	"ebbgate/policy"
)

// ErrTableHeld is returned by Open when another living process owns our table, or may at any time.
var ErrTableHeld = errors.New("table inet " + TableName + " is held by another process")

// ErrNoNFTables is returned by Open where the kernel cannot filter at all.
var ErrNoNFTables = errors.New("this kernel has no nf_tables: load it (modprobe nf_tables) or build it in (CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET)")

// Table is the one writer of `table inet ebbgate`. It holds a netlink socket, which owns the table:
// when nobody holds the socket any more, the table goes (P3). It is not safe for concurrent use, but for Mark.
type Table struct {
	socket  *nftwire.Socket
	send    func(*nftwire.Batch) error // Commit of the socket
	batch   nftwire.Batch              // reused for every transaction
	claim   *net.UnixListener          // keeps other daemons away; nil: there is none
	owned   bool                       // the kernel knows ownership, and the table is the socket's
	have    Have
	handle  uint64 // the kernel's, of our table where nobody owns it
	gen     uint32 // generation of the ruleset at our last look
	track   *trackScan
	sets    *setdump.Conn
	lists   *lister
	sending sync.Mutex        // guards send and marks: Mark is called beside the loop
	marks   nftwire.Batch     // reused for every Mark
	idle    map[string]uint64 // SYNs over the rate when a service's list was last found empty

	othersTrack bool           // another table uses conntrack, as of the last Look
	assumed     bool           // only since nobody may look at legacy iptables
	tracked     bool           // by its rules, as of the last scan
	scanned     policy.Instant // when that was
	stale       bool           // rules changed since
	known       bool           // they could be read at all

	features Features
	relisted bool // what we have was listed after a refusal
}

// Owned reports whether the kernel guards the table against others and removes it with us.
func (t *Table) Owned() bool { return t.owned }

// Have returns what the kernel holds of ours, as far as we know.
func (t *Table) Have() Have { return t.have }

// Environment returns what others do with the kernel's rules, as of the last Look. While that is
// not known, others are taken to rely on conntrack: what they have must not be broken by a guess.
func (t *Table) Environment() Environment {
	return Environment{OthersTrack: t.othersTrack || !t.known, Known: t.known, Assumed: t.known && t.assumed, NoConnlimit: !t.features.Connlimit}
}

// Apply sends a plan as one transaction: all of it holds afterwards or nothing. Where we begin to have
// connections tracked it takes two, of which the first holds by itself (see stages). An empty plan
// sends nothing. After an error the table is listed for the next Diff; where that fails its content
// counts as unknown, and the next Diff replaces it.
func (t *Table) Apply(p Plan) error {
	if p.Empty() {
		t.have.Known = true
		t.have.Ruleset = p.After
		return nil
	}
	stages := p.stages()
	for i := range stages {
		if err := t.commit(&stages[i]); err != nil {
			return t.failed(err)
		}
	}
	t.have = Have{Known: true, Present: !p.After.Empty(), Ruleset: p.After}
	t.relisted = false
	if err := t.remember(&p); err != nil {
		return t.failed(err)
	}
	// Every transaction counts the generation up by one. One more was somebody else's, and is
	// left for Look to notice.
	if gen, err := t.generation(); err == nil && gen == t.gen+uint32(len(stages)) {
		t.gen = gen
	}
	return nil
}

// remember notes which table is ours, once a plan has made one.
func (t *Table) remember(p *Plan) error {
	if t.Owned() || !slices.ContainsFunc(p.Ops, func(o Op) bool { return o.Object == ObjectTable && o.Verb == Add }) {
		return nil
	}
	found, err := t.find()
	if err == nil && found != nil {
		t.handle = found.handle
	}
	return err
}

// commit sends a plan. Where the kernel refuses it, the error is a Refusal.
func (t *Table) commit(p *Plan) error {
	defer t.batch.Reset()
	e := encoder{batch: &t.batch, owner: t.Owned(), older: !t.features.Destroy, now: boottime.Now()}
	if err := e.plan(p); err != nil {
		return err
	}
	t.sending.Lock()
	err := t.send(&t.batch)
	t.sending.Unlock()
	if err == nil {
		return nil
	}
	what := ""
	var refusal *nftwire.Refusal
	if errors.As(err, &refusal) {
		what = e.blame(p, refusal)
	}
	return refused(what, err)
}

// Close gives the socket back, and the table goes with it: an owned one unless somebody else holds the
// socket too, as a service manager does that keeps it from one run to the next (P3); any other is removed.
// Traffic is then as without us, whether or not the removal succeeds: it runs out of leases.
func (t *Table) Close() error {
	var err error
	if t.have.Present && !t.Owned() {
		if err = t.Apply(Diff(t.have, Ruleset{}, boottime.Now())); errors.Is(err, unix.ENOENT) {
			err = nil // somebody else was faster
		}
	}
	return errors.Join(err, t.close())
}

func (t *Table) close() error {
	var err error
	if t.socket != nil {
		err = errors.Join(err, t.socket.Close())
	}
	if t.track != nil {
		err = errors.Join(err, t.track.close())
	}
	if t.sets != nil {
		err = errors.Join(err, t.sets.Close())
	}
	if t.lists != nil {
		err = errors.Join(err, t.lists.close())
	}
	if t.claim != nil {
		err = errors.Join(err, t.claim.Close())
	}
	return err
}
