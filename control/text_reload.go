package control

import (
	"fmt"
	"io"
)

// WriteReload says that the policy is in force, and what is worth a warning in it. The only error is
// w's.
func WriteReload(w io.Writer, r *Reload, o TextOptions) error {
	p := newPage(o)
	p.put(plain, 2, fmt.Sprintf("%s is in force, with %s", Escape(r.File), Counted(r.Services, "service", "services")))
	if !r.Until.IsZero() {
		p.put(care, 2, fmt.Sprintf("on trial for %s: then the policy before it comes back, unless ebbgate confirm is called", Length(r.Left.std())))
	}
	for _, x := range r.Warnings {
		p.put(care, 2, "warning: "+Escape(x))
	}
	return p.send(w, "reload")
}
