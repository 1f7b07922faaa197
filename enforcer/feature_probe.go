package enforcer

import (
	"errors"
	"fmt"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"ebbgate/internal/inetdiag"
	"ebbgate/internal/nftwire"
)

// probing is what the objects of a probe are called. No object of ours bears that name, and none ever
// comes to be: every probe ends with a message the kernel refuses, so that nothing of it holds, nobody
// is notified of it, and the generation of the rules stays.
const probing = "probe"

// findFeatures finds out what the kernel can do, once the table's owner is known.
func (t *Table) findFeatures() error {
	t.features = Features{Owner: t.Owned()}
	f := &t.features
	if !oldKernel {
		if err := t.probeTable(f); err != nil {
			return fmt.Errorf("probe nf_tables: %w", err)
		}
	} else {
		f.Connlimit = true
	}
	f.probeSockets()
	return nil
}

// probeTable asks nf_tables. Whether the kernel tells the sizes of sets shows only where there is one:
// that it does is assumed until then.
func (t *Table) probeTable(f *Features) error {
	f.Count = true
	errno, err := t.ask(func(b *nftwire.Batch) {
		w := b.DestroyElements(TableName, probing)
		w.Put(&nftwire.Element{Key: []byte{192, 0, 2, 1}})
		w.End()
	})
	if f.Destroy = errno == 0; err != nil {
		return err
	}
	// An expression that lacks what it must say is refused before it does anything: it would switch
	// conntrack on. One the kernel does not know is refused with ENOENT.
	errno, err = t.ask(func(b *nftwire.Batch) { probeRule(b, "connlimit", func() {}) })
	if f.Connlimit = errno == unix.EINVAL; err != nil {
		return err
	}
	const allFlags = 0xffffffff
	errno, err = t.ask(func(b *nftwire.Batch) {
		probeRule(b, "synproxy", func() { b.Uint32(expr.NFTA_SYNPROXY_FLAGS, allFlags) })
	})
	if err != nil || errno == 0 || errno == unix.ENOENT {
		return err
	}
	// This one switches nothing on, and what it can be asked for grew: it is written as in our rules.
	errno, err = t.ask(func(b *nftwire.Batch) {
		probeRule(b, "socket", func() {
			b.Uint32(expr.NFTA_SOCKET_KEY, expr.NFT_SOCKET_WILDCARD)
			b.Uint32(expr.NFTA_SOCKET_DREG, reg)
		})
	})
	f.SYNProxy = err == nil && errno == 0
	return err
}

// askOwnership returns nil if the kernel knows tables that a socket owns.
func (t *Table) askOwnership() error {
	errno, err := t.refused(func(e *encoder) {
		if t.have.Present {
			e.table(Delete)
		}
		e.table(Add)
	})
	if err == nil && errno != 0 {
		err = errno
	}
	return err
}

// ask sends a question about a table of ours, and returns the errno the question itself was answered with; 0: it
// would have been carried out.
func (t *Table) ask(question func(*nftwire.Batch)) (unix.Errno, error) {
	return t.refused(func(e *encoder) {
		if !t.have.Present {
			e.table(Add)
		}
		e.set(&Op{Verb: Add, Object: ObjectSet, Set: Set{Name: probing, Key: IPv4Addr, Timeout: true, Size: 1}})
		e.chain(&Op{Verb: Add, Object: ObjectChain, Chain: Chain{Name: probing}})
		question(e.batch)
	})
}

// refused sends a transaction that ends with what the kernel refuses, and returns the errno that something before
// that was answered with; 0: all of it would have been carried out.
func (t *Table) refused(write func(*encoder)) (unix.Errno, error) {
	var b nftwire.Batch
	write(&encoder{batch: &b, owner: t.Owned()})
	(&encoder{batch: &b}).chain(&Op{Verb: Delete, Object: ObjectChain, Chain: Chain{Name: probing + " of nothing"}})
	err := t.send(&b)
	var r *nftwire.Refusal
	switch {
	case err == nil:
		return 0, errors.New("the kernel carried out what it cannot")
	case !errors.As(err, &r) || r.Message < b.Len()-2:
		return 0, err
	case r.Message == b.Len()-1:
		return 0, nil
	}
	return r.Errno, nil
}

// probeRule writes a rule of one expression.
func probeRule(b *nftwire.Batch, name string, data func()) {
	b.Begin(unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND)
	b.Text(unix.NFTA_RULE_TABLE, TableName)
	b.Text(unix.NFTA_RULE_CHAIN, probing)
	list := b.Nest(unix.NFTA_RULE_EXPRESSIONS)
	one := b.Nest(unix.NFTA_LIST_ELEM)
	b.Text(unix.NFTA_EXPR_NAME, name)
	inner := b.Nest(unix.NFTA_EXPR_DATA)
	data()
	b.Unnest(inner)
	b.Unnest(one)
	b.Unnest(list)
}

// probeSockets asks inet_diag: it is to close a connection that cannot exist, between port 0 and port
// 0 of no address, and to let us hear of what ends. What cannot be asked counts as missing.
func (f *Features) probeSockets() {
	if c, err := inetdiag.Open(); err == nil {
		f.Close = errors.Is(c.Destroy(unix.AF_INET, inetdiag.ID{}), inetdiag.ErrGone)
		_ = c.Close() // it was only read from
	}
	if s, err := inetdiag.Subscribe(); err == nil {
		f.Endings = s.Listen(true) == nil
		_ = s.Close()
	}
}
