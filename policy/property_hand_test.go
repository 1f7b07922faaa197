package policy

import (
	"slices"
	"time"
)

// hands lets the operator block, unblock and change modes.
func (w *world) hands(o *Observation) {
	for w.in(10) {
		service := pick(w.dice, []string{"", "web", "mail", "ssh"})
		until := pick(w.dice, []Instant{0, w.at.Add(time.Second), w.at.Add(time.Minute)})
		switch w.n(6) {
		case 0, 1:
			o.Orders = append(o.Orders, Order{Kind: OrderBlock, Block: HandBlock{Source: w.around(), Service: service, Until: until, Note: "because"}})
		case 2:
			o.Orders = append(o.Orders, Order{Kind: OrderUnblock, Block: HandBlock{Source: w.around(), Service: service}})
		case 3:
			o.Orders = append(o.Orders, Order{Kind: OrderMode, Mode: HandMode{Service: service, Mode: Mode(w.n(2)), Since: w.at, Until: until}})
		case 4:
			o.Orders = append(o.Orders, Order{Kind: OrderConfirm})
		case 5:
			o.Orders = append(o.Orders, Order{Kind: OrderModes})
		}
	}
}

// untouched is an observation without what is another order in another mode.
func untouched(o Observation) Observation {
	o.Orders = slices.DeleteFunc(slices.Clone(o.Orders), func(order Order) bool {
		return order.Kind == OrderBlock || order.Kind == OrderMode || order.Kind == OrderConfirm || order.Kind == OrderModes
	})
	return o
}

// byHand checks a block of the operator's: it is one he ordered, for exactly as long as he said, of
// nobody who is exempt, and gone once he ended it.
func (s *witness) byHand(before *State, o *Observation, b *Block) {
	known := slices.ContainsFunc(before.Blocks, func(old BlockState) bool {
		return old.byHand() && old.Service == b.Service && old.Source == b.Source && old.Until == b.Until
	})
	for _, order := range o.Orders {
		h := order.Block
		if h.Service != "" && h.Service != b.Service {
			continue
		}
		switch order.Kind {
		case OrderBlock:
			known = known || h.Source == b.Source && h.Until == b.Until && h.Note == b.Note
		case OrderUnblock:
			known = known && !within(h.Source, b.Source)
		}
	}
	if !known || b.Until <= o.At || b.Note != "because" {
		s.problem("block by hand %+v was not ordered", *b)
	}
}

// modes checks that what is decided is in the mode that holds, and that no mode outlasts its time.
func (s *witness) modes(p *Policy, o *Observation, d *Decision) {
	acts := p.Acting(d.Modes)
	for i := range d.Limits {
		if l := &d.Limits[i]; l.Mode != acts.Service(l.Service).Mode {
			s.problem("limit %+v in the wrong mode", *l)
		}
	}
	for i := range d.Blocks {
		if b := &d.Blocks[i]; b.Mode != acts.Service(b.Service).Mode {
			s.problem("block %+v in the wrong mode", *b)
		}
	}
	for i, m := range d.Modes {
		if m.Until != 0 && m.Until <= o.At || p.Service(m.Service) == nil || i > 0 && compareModes(d.Modes[i-1], m) >= 0 {
			s.problem("modes by hand %+v", d.Modes)
		}
	}
	if len(d.Modes) > 2*len(p.Services) {
		s.problem("%d modes by hand of %d services", len(d.Modes), len(p.Services))
	}
}
