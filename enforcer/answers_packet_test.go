package enforcer

import (
	"slices"

	"ebbgate/policy"
)

// answer is one kind of answer, and what becomes of those it reaches.
type answer struct {
	name  string
	mode  policy.Mode
	with  policy.Refusal
	names func(d *policy.Decision) // adds the answer to a decision
	hits  []class                  // whom it reaches

	tries       int    // connections each source opens
	least, most int    // of them open when it reaches them
	silent      bool   // the others get no answer
	cuts        bool   // older connections get none either
	tracks      bool   // it may switch conntrack on for whom it reaches
	coarse      bool   // it tells no sources apart inside a plain one
	counted     string // the counter it moves; empty: none
}

// reaches reports whether the answer is for a source. A meter knows plain sources only, and what lies
// inside one is part of it.
func (a *answer) reaches(s *source) bool {
	return slices.Contains(a.hits, s.class) || a.coarse && s.inside
}

func namesRefused(d *policy.Decision) {
	for _, s := range plainSources {
		d.Limits = append(d.Limits, limit("web", s.String(), true, d.At+300*second))
	}
	namesShares(d)
}

// namesShares refuses what the kernel does not count: prefixes and single addresses, as a fair share and
// an override do.
func namesShares(d *policy.Decision) {
	for _, s := range groupSources {
		d.Limits = append(d.Limits, group("web", s.String(), true, d.At+300*second))
	}
	slices.SortFunc(d.Limits, func(a, b policy.Limit) int { return policy.ComparePrefix(a.Source, b.Source) })
}

// namesWatched holds one family by limits below which they are, the other as watched sources.
func namesWatched(d *policy.Decision) {
	for _, s := range plainSources {
		if s.Addr().Is4() {
			d.Limits = append(d.Limits, limit("web", s.String(), false, d.At+300*second))
		} else {
			d.Watched = append(d.Watched, policy.Watched{Service: "web", Source: s, Mode: policy.Enforce, Until: d.At + 300*second})
		}
	}
}

func namesBlocked(d *policy.Decision) {
	for _, s := range slices.Concat(plainSources, groupSources) {
		d.Blocks = append(d.Blocks, policy.Block{Service: "web", Source: s, Mode: policy.Enforce, Since: d.At, Until: d.At + 3600*second})
	}
}

// synBurst is how many SYNs a source may send at once, and each second, under the matrix's meter.
const synBurst = 2

func namesDropped(d *policy.Decision) {
	namesMetered(d)
	for _, s := range plainSources {
		d.Drops = append(d.Drops, policy.SYNDrop{Service: "web", Source: s, Mode: policy.Enforce, Until: d.At + 300*second})
	}
}

func namesMetered(d *policy.Decision) {
	d.Meters = []policy.Meter{{Service: "web", Max: synBurst, Until: d.At + 300*second}}
}

// answers are all there are, with their shadow twins.
var answers = []answer{
	{name: "refuse", mode: policy.Enforce, names: namesRefused, hits: []class{offender, wide}, tries: 1, tracks: true, counted: "refused"},
	{name: "refuse by drop", mode: policy.Enforce, with: policy.Drop, names: namesRefused, hits: []class{offender, wide}, tries: 1, silent: true, tracks: true, counted: "refused"},
	{name: "refuse in shadow", mode: policy.Shadow, names: namesRefused, hits: []class{offender, wide}, tries: 1, least: 1, most: 1, counted: "refused"},
	{name: "fair share", mode: policy.Enforce, names: namesShares, hits: []class{wide}, tries: 1, counted: "refused"},
	{name: "block", mode: policy.Enforce, names: namesBlocked, hits: []class{offender, wide}, tries: 1, cuts: true, counted: "blocked"},
	{name: "block by drop", mode: policy.Enforce, with: policy.Drop, names: namesBlocked, hits: []class{offender, wide}, tries: 1, silent: true, cuts: true, counted: "blocked"},
	{name: "block in shadow", mode: policy.Shadow, names: namesBlocked, hits: []class{offender, wide}, tries: 1, least: 1, most: 1, counted: "blocked"},
	{name: "hold", mode: policy.Enforce, names: namesWatched, hits: []class{offender}, tries: matrixLimit + 2, least: matrixLimit, most: matrixLimit, tracks: true, counted: "held"},
	{name: "hold by drop", mode: policy.Enforce, with: policy.Drop, names: namesWatched, hits: []class{offender}, tries: matrixLimit + 1, least: matrixLimit, most: matrixLimit, tracks: true, silent: true, counted: "held"},
	{name: "hold in shadow", mode: policy.Shadow, names: namesWatched, tries: matrixLimit + 2},
	{name: "SYN meter", mode: policy.Enforce, names: namesMetered, hits: []class{offender, wide, office, innocent}, tries: synBurst + 3, least: synBurst + 3, most: synBurst + 3, counted: "over"},
	{name: "SYN drop", mode: policy.Enforce, names: namesDropped, hits: []class{offender}, tries: synBurst + 2, least: synBurst, most: synBurst + 1, silent: true, coarse: true, counted: "dropped"},
	{name: "SYN drop in shadow", mode: policy.Shadow, names: namesDropped, hits: []class{offender}, tries: synBurst + 3, least: synBurst + 3, most: synBurst + 3, coarse: true, counted: "dropped"},
}
