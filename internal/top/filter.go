package top

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"ebbgate/control"
)

// longestFilter bounds what can be typed, in characters.
const longestFilter = 60

// filter is what rows must match, every word of it: a part of an address or name, a state, or a
// prefix that overlaps the row's.
type filter string

// typed adds what was typed, and leaves out what is not printable or too much.
func (f filter) typed(runes []rune) filter {
	for _, r := range runes {
		if control.Escape(string(r)) == string(r) && utf8.RuneCountInString(string(f)) < longestFilter {
			f += filter(r)
		}
	}
	return f
}

// shorter takes the last character away.
func (f filter) shorter() filter {
	_, n := utf8.DecodeLastRuneInString(string(f))
	return f[:len(f)-n]
}

func (f filter) words() []string { return strings.Fields(strings.ToLower(string(f))) }

func (f filter) matches(r *row) bool {
	for _, w := range f.words() {
		if !wordMatches(w, r) {
			return false
		}
	}
	return true
}

func wordMatches(word string, r *row) bool {
	if strings.Contains(r.words, word) {
		return true
	}
	if !r.source.IsValid() {
		return false
	}
	if p, err := control.ParsePrefix(word); err == nil && p.Overlaps(r.source) {
		return true
	}
	return strings.HasPrefix(control.SourceText(r.source), word)
}

// narrow has the daemon look for what the filter names exactly, so that sources are found which are not
// among the heaviest.
func (f filter) narrow(s *control.Status) control.SourcesRequest {
	var q control.SourcesRequest
	for _, w := range f.words() {
		switch state := control.SourceState(w); state {
		case control.SourceExempt, control.SourceBlocked, control.SourceRefused, control.SourceLimited, control.SourceWatched, control.SourceFree:
			q.State = state
			continue
		}
		if p, err := control.ParsePrefix(w); err == nil {
			q.Within = whole(p)
		}
		for i := 0; s != nil && i < len(s.Services); i++ {
			if strings.ToLower(s.Services[i].Name) == w {
				q.Service = s.Services[i].Name
			}
		}
	}
	return q
}

// whole widens an IPv6 address to the /64 that its connections usually count for.
func whole(p netip.Prefix) netip.Prefix {
	const usual = 64
	if p.Addr().Is6() && p.Bits() > usual {
		return netip.PrefixFrom(p.Addr(), usual).Masked()
	}
	return p
}
