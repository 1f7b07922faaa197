package policy

// lostWhy is what is told of a table that somebody else removed.
const lostWhy = "somebody else removed the table; it was built again"

// tellLost reports that our table was lost to others and built again. It concerns no service alone. An
// observation that comes twice is one.
func tellLost(s *State, o *Observation, d *Decision) {
	if o.TableLost && o.At != s.At {
		d.Events = append(d.Events, Event{Kind: TableLost, At: o.At, Count: 1, Why: lostWhy})
	}
}

// lose notes it in the record of an open attack: for a moment nothing was turned away.
func (st *serviceStep) lose(now *Attack) {
	if st.o.TableLost && now.ID != 0 && now.Began != st.o.At {
		now.change(Change{At: st.o.At, What: "table lost", Count: 1, Why: lostWhy})
	}
}
