package enforcer

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/boottime"
	"ebbgate/internal/nlwire"
)

// errNotOurs says that the table holds what no ruleset of ours does. It is replaced as a whole.
var errNotOurs = errors.New("it holds what this version of ebbgate would not have written")

// listBudget bounds one listing. The kernel reads large sets in quadratic time: 65,000 elements take
// a tenth of a second, a million take longer than replacing the table.
const listBudget = 2 * time.Second

// listTries bounds how often a listing that others' changes interrupt is taken anew.
const listTries = 3

// readBack reads our table from the kernel. Without a table it is the empty Ruleset. It is not for the
// loop: it is taken at start and after a refusal, and where it takes more than two seconds, is
// interrupted three times or finds what we did not write, it is an error and nothing is known of the
// table. What the kernel itself puts into sets is left out, as in every Ruleset.
func (t *Table) readBack() (Ruleset, error) {
	// No marks meanwhile, which would look like somebody else's changes.
	t.sending.Lock()
	defer t.sending.Unlock()
	end := time.Now().Add(listBudget)
	for try := 1; ; try++ {
		before, err := t.generation()
		if err != nil {
			return Ruleset{}, err
		}
		r, err := t.listOnce(func() bool { return time.Now().After(end) })
		after, genErr := t.generation()
		switch {
		case genErr != nil:
			return Ruleset{}, genErr
		case err == nil && before == after:
			return r, nil
		case err == nil:
			err = nlwire.ErrInterrupted
		case errors.Is(err, unix.ENOENT) && before == after:
			return Ruleset{}, nil // there is no table
		case errors.Is(err, unix.ENOENT): // removed under our eyes
		case !errors.Is(err, nlwire.ErrInterrupted):
			return Ruleset{}, fmt.Errorf("list table inet %s: %w", TableName, err)
		}
		if try == listTries || time.Now().After(end) {
			return Ruleset{}, fmt.Errorf("list table inet %s, %d times: %w", TableName, try, err)
		}
	}
}

// listOnce reads the table once. stop ends it.
func (t *Table) listOnce(stop func() bool) (Ruleset, error) {
	var r Ruleset
	now := boottime.Now()
	err := errors.Join(t.lists.counters(&r), t.lists.chains(&r))
	if err == nil {
		err = t.lists.rules(&r)
	}
	filled := make(map[string]bool) // by rules, not by us
	if err == nil {
		err = t.lists.sets(&r, filled)
	}
	for i := 0; err == nil && i < len(r.Sets); i++ {
		if s := &r.Sets[i]; !filled[s.Name] {
			err = t.members(s, now, stop)
		}
	}
	if err == nil {
		err = describe(&r, filled)
	}
	if err != nil {
		return Ruleset{}, err
	}
	r.sort()
	return r, nil
}

// counters reads the names of the table's counters.
func (l *lister) counters(r *Ruleset) error {
	return l.each(kindCounter, func(f *fields) error {
		if f.u32(unix.NFTA_OBJ_TYPE) != unix.NFT_OBJECT_COUNTER {
			return errNotOurs
		}
		r.Counters = append(r.Counters, f.text(unix.NFTA_OBJ_NAME))
		return nil
	})
}

// chains reads the table's chains, without their rules.
func (l *lister) chains(r *Ruleset) error {
	return l.each(kindChain, func(f *fields) error {
		c := Chain{Name: f.text(unix.NFTA_CHAIN_NAME)}
		if f[unix.NFTA_CHAIN_HOOK] != nil {
			const accepts = 1 // NF_ACCEPT of linux/netfilter.h
			hook := f.nested(unix.NFTA_CHAIN_HOOK)
			c.Hook, c.Priority = hookOf(hook.u32(unix.NFTA_HOOK_HOOKNUM)), int(int32(hook.u32(unix.NFTA_HOOK_PRIORITY)))
			if c.Hook == "" || f.text(unix.NFTA_CHAIN_TYPE) != "filter" || f.u32(unix.NFTA_CHAIN_POLICY) != accepts {
				return errNotOurs
			}
		}
		r.Chains = append(r.Chains, c)
		return nil
	})
}

// hookOf names a hook, or returns "" if none of our chains is at it.
func hookOf(number uint32) Hook {
	for hook, n := range hooks {
		if n == number {
			return hook
		}
	}
	return ""
}
