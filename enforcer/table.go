package enforcer

import (
	"errors"
	"fmt"
	"net"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/setdump"
	"ebbgate/policy"
)

// ErrTableHeld is returned by Open when another living process owns our table, or may at any time.
var ErrTableHeld = errors.New("table inet " + TableName + " is held by another process")

// ErrNoNFTables is returned by Open where the kernel cannot filter at all.
var ErrNoNFTables = errors.New("this kernel has no nf_tables: load it (modprobe nf_tables) or build it in (CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET)")

// Table is the one writer of `table inet ebbgate`. It owns a netlink socket, which owns the table
// in turn: when the socket goes, so does the table (P3). It is not safe for concurrent use.
type Table struct {
	conn    *nftables.Conn
	claim   *net.UnixListener // keeps other daemons away; nil: there is none
	table   *nftables.Table
	have    Have
	gen     uint32 // generation of the ruleset at our last look
	env     Environment
	track   *trackScan
	sets    *setdump.Conn
	idle    map[string]uint64 // SYNs over the rate when a service's list was last found empty
	tracked bool              // another table's rules use conntrack, as of the last scan
	scanned policy.Instant
	stale   bool // they changed since
	known   bool // they could be read at all
}

// Open opens the socket in the calling thread's network namespace and looks at what is there. A
// table that an earlier run left is replaced or removed by the first Apply. Where the process
// may not change rules, the error wraps unix.EPERM.
func Open() (*Table, error) {
	// The socket must be opened early: the library waits with pselect(2), which knows no file
	// descriptor beyond 1,023.
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return nil, explain(fmt.Errorf("open nf_tables socket: %w", err))
	}
	held, err := claim()
	if err != nil {
		return nil, errors.Join(err, conn.CloseLasting())
	}
	t := &Table{conn: conn, claim: held, table: &nftables.Table{Name: TableName, Family: nftables.TableFamilyINet}}
	if t.track, err = newTrackScan(); err != nil {
		return nil, errors.Join(err, t.close())
	}
	if t.sets, err = setdump.Open(); err != nil {
		return nil, errors.Join(err, t.close())
	}
	if err := t.adopt(); err != nil {
		return nil, errors.Join(explain(err), t.close())
	}
	return t, nil
}

// explain names what is missing when the kernel does not know the requests of nf_tables at all:
// nfnetlink answers EINVAL for a subsystem nobody has registered.
func explain(err error) error {
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("%w (%w)", ErrNoNFTables, err)
	}
	return err
}

// adopt finds out whether the table exists and whether the kernel knows ownership.
func (t *Table) adopt() error {
	found, err := t.find()
	if err != nil {
		return err
	}
	if found != nil && found.Flags&nftables.TableFlagOwner != 0 && found.Owner != 0 {
		return fmt.Errorf("%w: stop the other ebbgate first", ErrTableHeld)
	}
	t.have = Have{Known: found == nil, Present: found != nil}
	t.table.Flags = nftables.TableFlagOwner
	if err := t.probe(); errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		t.table.Flags = 0
	} else if err != nil {
		return fmt.Errorf("probe nf_tables: %w", err)
	}
	return nil
}

// probe asks whether we may own a table, by adding and deleting one in one transaction: it never
// becomes visible. A table that is there is nobody's, since its owner would have been found alive,
// and is deleted in the same transaction; on a kernel without ownership all of it fails and the
// table stays until the first Apply replaces it.
func (t *Table) probe() error {
	if t.have.Present {
		t.conn.DelTable(t.table)
	}
	t.conn.AddTable(t.table)
	t.conn.DelTable(t.table)
	if err := t.conn.Flush(); err != nil {
		return err
	}
	t.have = Have{Known: true}
	return nil
}

// Owned reports whether the kernel guards the table against others and removes it with us.
func (t *Table) Owned() bool { return t.table.Flags&nftables.TableFlagOwner != 0 }

// Have returns what the kernel holds of ours, as far as we know.
func (t *Table) Have() Have { return t.have }

// Environment returns what others do with the kernel's rules, as of the last Look. While that is
// not known, others are taken to rely on conntrack: what they have must not be broken by a guess.
func (t *Table) Environment() Environment {
	return Environment{OthersTrack: t.env.OthersTrack || !t.known}
}

// Apply sends a plan as one transaction: all of it holds afterwards or nothing. An empty plan
// sends nothing. After an error the table's content counts as unknown, and the next Diff
// replaces it.
func (t *Table) Apply(p Plan) error {
	if p.Empty() {
		t.have.Known = true
		t.have.Ruleset = p.After
		return nil
	}
	e := encoder{conn: t.conn, table: t.table, now: boottime.Now()}
	for i := range p.Ops {
		if err := e.op(&p.Ops[i]); err != nil {
			return t.failed(fmt.Errorf("encode %s: %w", p.Ops[i].summary(), err))
		}
	}
	if err := t.conn.Flush(); err != nil {
		return t.failed(fmt.Errorf("change table inet %s: %w", TableName, err))
	}
	t.have = Have{Known: true, Present: !p.After.Empty(), Ruleset: p.After}
	// Every transaction counts the generation up by one. One more was somebody else's, and is
	// left for Look to notice.
	if gen, err := t.generation(); err == nil && gen == t.gen+1 {
		t.gen = gen
	}
	return nil
}

// failed forgets what the table holds after a refused transaction, and finds out whether it is
// there at all.
func (t *Table) failed(err error) error {
	t.have = Have{Known: false, Present: t.have.Present}
	found, lookErr := t.find()
	if lookErr != nil {
		return errors.Join(err, lookErr)
	}
	t.have.Present = found != nil
	return err
}

// Close removes our table and the socket. Traffic is then as without us, whether or not the
// removal succeeds: an owned table goes with its socket, and any other runs out of leases.
func (t *Table) Close() error {
	var err error
	if t.have.Present {
		err = t.Apply(Diff(t.have, Ruleset{}, boottime.Now()))
	}
	return errors.Join(err, t.close())
}

func (t *Table) close() error {
	err := t.conn.CloseLasting()
	if t.track != nil {
		err = errors.Join(err, t.track.close())
	}
	if t.sets != nil {
		err = errors.Join(err, t.sets.Close())
	}
	if t.claim != nil {
		err = errors.Join(err, t.claim.Close())
	}
	return err
}
