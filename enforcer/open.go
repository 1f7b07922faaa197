package enforcer

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nftwire"
	"ebbgate/internal/setdump"
)

// Open opens the socket in the calling thread's network namespace and looks at what is there. A
// table that an earlier run left is replaced or removed by the first Apply. Where the process
// may not change rules, the error wraps unix.EPERM.
func Open() (*Table, error) { return Resume(-1) }

// Resume is Open with the socket of an earlier run, by the descriptor that Table.FD returned there;
// -1 is none. If the socket owns the table, the table is taken over as it is, and goes on while we
// look at it. A socket that owns nothing is used all the same, and what is no such socket, or belongs
// to another network namespace, is closed and replaced. The descriptor is Resume's from the call on.
func Resume(stored int) (*Table, error) {
	t := &Table{}
	if err := t.open(stored); err != nil {
		return nil, errors.Join(explain(err), t.close())
	}
	return t, nil
}

func (t *Table) open(stored int) (err error) {
	if t.socket, err = takeSocket(stored); err != nil {
		return err
	}
	t.send = t.socket.Commit
	if t.claim, err = claim(); err != nil {
		return err
	}
	if t.track, err = newTrackScan(); err != nil {
		return err
	}
	if t.sets, err = setdump.Open(); err != nil {
		return err
	}
	if t.lists, err = newLister(); err != nil {
		return err
	}
	if err := t.adopt(); err != nil {
		return err
	}
	return t.findFeatures()
}

// takeSocket takes the stored socket over, or opens one.
func takeSocket(stored int) (*nftwire.Socket, error) {
	if stored < 0 {
		return nftwire.Open()
	}
	s, err := nftwire.FromFD(stored)
	if errors.Is(err, nftwire.ErrNotOurs) {
		// Opened first, so that it is another number than that of what is of no use: FD promises it.
		s, err = nftwire.Open()
		_ = unix.Close(stored)
	}
	return s, err
}

// explain names what is missing when the kernel does not know the requests of nf_tables at all:
// nfnetlink answers EINVAL for a subsystem nobody has registered.
func explain(err error) error {
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return fmt.Errorf("%w (%w)", ErrNoNFTables, err)
	}
	return err
}

// adopt finds out whether the table exists, whose it is, and whether the kernel knows ownership.
func (t *Table) adopt() error {
	found, err := t.find()
	if err != nil {
		return err
	}
	t.have = Have{Known: found == nil, Present: found != nil}
	if found != nil {
		t.handle = found.handle
	}
	t.owned = true
	if found != nil && found.owner != 0 {
		if found.owner != t.socket.PortID() {
			return fmt.Errorf("%w: stop the other ebbgate first", ErrTableHeld)
		}
		t.read()
		return nil
	}
	if !oldKernel {
		err = t.probe()
	}
	switch {
	case oldKernel, errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		t.owned = false
		t.read()
	case err != nil:
		return fmt.Errorf("probe nf_tables: %w", err)
	}
	return nil
}

// read lists the table that an earlier run left, so that the first Apply changes no more than it must.
// What cannot be read, or is not as this version writes it, goes on until that Apply replaces it.
func (t *Table) read() {
	if !t.have.Present {
		return
	}
	if r, err := t.readBack(); err == nil {
		t.have = Have{Known: true, Present: true, Ruleset: r}
	}
}

// probe asks whether we may own a table. A table that is there is nobody's, since its owner would have been found
// alive, and goes if we may; on a kernel without ownership it stays until the first Apply replaces it.
func (t *Table) probe() error {
	if err := t.askOwnership(); err != nil {
		return err
	}
	if t.have.Present {
		if err := t.commit(&Plan{Ops: []Op{{Verb: Delete, Object: ObjectTable}}}); err != nil {
			return err
		}
	}
	t.have = Have{Known: true}
	return nil
}

// FD returns the descriptor of the socket that owns the table, for Resume in a later run. It is the one
// that Resume was given if, and only if, that was taken over. It belongs to the Table.
func (t *Table) FD() int { return t.socket.FD() }
