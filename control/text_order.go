package control

import (
	"fmt"
	"io"
	"time"
)

// WriteBlocked says what was blocked by hand. The only error is w's.
func WriteBlocked(w io.Writer, b *Blocked, o TextOptions) error {
	p := newPage(o)
	for i := range b.Blocks {
		x := &b.Blocks[i]
		p.put(plain, 2, fmt.Sprintf(`%s is blocked from service "%s" for %s; its connections there are destroyed`,
			SourceText(x.Source), Escape(x.Service), Length(wholly(x.Left))))
	}
	p.still(b.Still)
	return p.send(w, "block")
}

// WriteUnblocked says what was freed by hand. The only error is w's.
func WriteUnblocked(w io.Writer, b *Blocked, o TextOptions) error {
	p := newPage(o)
	const most = 10
	for i := range b.Blocks[:min(len(b.Blocks), most)] {
		x := &b.Blocks[i]
		p.put(plain, 2, fmt.Sprintf(`the block of %s from service "%s" has ended, with %s left`, SourceText(x.Source), Escape(x.Service), Length(x.Left.std())))
	}
	if n := b.Total - min(len(b.Blocks), most); n > 0 {
		p.put(plain, 2, fmt.Sprintf("and %s", Counted(n, "more block within it", "more blocks within it")))
	}
	if b.Freed > 0 {
		p.put(plain, 2, Counted(b.Freed, "limit has", "limits have")+" ended")
	}
	p.put(subtle, 2, fmt.Sprintf("its strikes are forgiven, and it is judged anew; ebbgate exempt %s keeps it free whatever it does", SourceText(b.Prefix)))
	p.still(b.Still)
	return p.send(w, "unblock")
}

// still names what keeps an order from having its whole effect.
func (p *page) still(list []string) {
	for _, text := range list {
		p.put(care, 2, "still: "+text)
	}
}

// WriteModed says which modes hold. The only error is w's.
func WriteModed(w io.Writer, m *Moded, o TextOptions) error {
	p := newPage(o)
	p.modes(m.Services)
	return p.send(w, "mode")
}

func (p *page) modes(list []ServiceMode) {
	for i := range list {
		st := plain
		if list[i].ByHand {
			st = care
		}
		p.put(st, 2, modeWords(&list[i]))
	}
}

// WriteConfirmed says what stays. The only error is w's.
func WriteConfirmed(w io.Writer, c *Confirmed, o TextOptions) error {
	p := newPage(o)
	if c.Policy {
		p.put(plain, 2, "the policy on trial stays")
	}
	p.modes(c.Services)
	return p.send(w, "confirm")
}

// wholly rounds up what is left of a time that was just ordered, so that it reads as it was ordered.
func wholly(left Duration) time.Duration {
	return (left.std() + time.Second - 1).Truncate(time.Second)
}
