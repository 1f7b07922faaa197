package policy

import "slices"

// inherit takes over blocks that an earlier run of the daemon left in the kernel, for the time they have
// left. Why they were decided is not known any more; release frees those the policy would not have. A
// state that remembers anything knows its blocks itself.
func (st *serviceStep) inherit() {
	if st.prev.At != 0 {
		return
	}
	var taken []BlockState
	for _, b := range st.o.Inherited {
		if b.Service != st.service.Name || b.Until <= st.o.At || *st.room <= 0 || !b.Source.IsValid() {
			continue
		}
		if _, known := st.blocks.find(b.Source); known {
			continue
		}
		*st.room--
		r := &st.service.Response
		taken = append(taken, BlockState{Service: b.Service, Source: b.Source, Cause: ConnectionFlood, Mode: Enforce, Strikes: 1,
			Since: st.o.At, Until: b.Until, Decay: b.Until.Add(r.BlockFor[len(r.BlockFor)-1]), Reason: Reason{Rule: RuleInherited, At: st.o.At}})
	}
	if len(taken) > 0 {
		st.blocks.list, st.blocks.ours = append(slices.Clip(st.blocks.list), taken...), true
		slices.SortFunc(st.blocks.list, func(a, b BlockState) int { return ComparePrefix(a.Source, b.Source) })
	}
}
