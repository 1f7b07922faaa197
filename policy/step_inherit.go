package policy

import (
	"slices"
	"time"
)

// inherit takes over blocks that an earlier run of the daemon left in the kernel, for the time they have
// left. Why they were decided is not known any more, unless the state was restored and knows them;
// release frees those the policy would not have. A state that remembers a turn knows its blocks itself.
func (st *serviceStep) inherit() {
	if st.prev.At != 0 {
		return
	}
	var taken []BlockState
	for _, b := range st.o.Inherited {
		if b.Service != st.service.Name || b.Until <= st.o.At || *st.room <= 0 || !b.Source.IsValid() {
			continue
		}
		if i, known := st.blocks.find(b.Source); known {
			st.renew(i, b.Until)
			continue
		}
		*st.room--
		if b.ByHand {
			taken = append(taken, BlockState{Service: b.Service, Source: b.Source, Mode: Enforce,
				Since: st.o.At, Until: b.Until, Decay: b.Until, Reason: Reason{Rule: RuleByHand, At: st.o.At}, Note: RuleInherited})
			continue
		}
		r := &st.service.Response
		taken = append(taken, BlockState{Service: b.Service, Source: b.Source, Cause: ConnectionFlood, Mode: Enforce, Strikes: 1,
			Since: st.o.At, Until: b.Until, Decay: b.Until.Add(r.BlockFor[len(r.BlockFor)-1]), Reason: Reason{Rule: RuleInherited, At: st.o.At}})
	}
	if len(taken) > 0 {
		st.blocks.list, st.blocks.ours = append(slices.Clip(st.blocks.list), taken...), true
		slices.SortFunc(st.blocks.list, func(a, b BlockState) int { return ComparePrefix(a.Source, b.Source) })
	}
}

// keptLate is by how much the kernel may know better how long a block lasts than what was kept of it: longer
// than it takes to keep a block, and than what is lost to rounding.
const keptLate = 5 * time.Second

// renew takes the kernel's word for a block that was kept before it was decided anew.
func (st *serviceStep) renew(i int, until Instant) {
	b := &st.blocks.list[i]
	if until <= b.Until.Add(keptLate) {
		return
	}
	b = st.blocks.change(i)
	if b.Until <= st.o.At {
		b.Strikes++
		b.Since = st.o.At
	}
	b.Until = until
	b.Decay = max(b.Decay, until.Add(st.service.Response.BlockFor[len(st.service.Response.BlockFor)-1]))
}
