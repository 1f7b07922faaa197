package control

import (
	"fmt"
	"io"
)

// WriteExempted says that an exemption is in force. The only error is w's.
func WriteExempted(w io.Writer, x *Exempted, o TextOptions) error {
	p := newPage(o)
	text := fmt.Sprintf("%s is exempt %s", SourceText(x.Exempt.Prefix), ofService(x.Exempt.Service))
	if x.Exempt.Until.IsZero() {
		text += " until the daemon ends"
	} else {
		text += fmt.Sprintf(" for %s, until %s", Length(x.Exempt.Until.Sub(x.Exempt.Since.Time)), at(x.Exempt.Until))
	}
	if x.Replaced {
		text += "; it replaces the one before"
	}
	p.put(plain, 2, text)
	return p.send(w, "exemption")
}

// WriteUnexempted says that an exemption was ended. The only error is w's.
func WriteUnexempted(w io.Writer, x *Exempted, o TextOptions) error {
	p := newPage(o)
	p.put(plain, 2, fmt.Sprintf("the exemption of %s %s has ended", SourceText(x.Exempt.Prefix), ofService(x.Exempt.Service)))
	for _, by := range x.Still {
		p.put(care, 2, "it is still exempt by "+Escape(by))
	}
	return p.send(w, "exemption")
}
