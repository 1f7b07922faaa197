package report

import (
	"time"

	"ebbgate/control"
)

// plots are those for which there are figures, and what must be known to read them.
func plots(f *Facts, c clock, all []entry) ([]plot, []string) {
	if f.Samples == nil || len(f.Samples.Samples) == 0 {
		return nil, []string{"There are no plots: " + closed(text(f.Missing))}
	}
	list, step := f.Samples.Samples, max(time.Duration(f.Samples.Step), time.Second)
	x := spanOf(f, step)
	gaps := holes(list, step, x)
	ticks, marked := x.times(c), marks(x, all)
	var out []plot
	for _, d := range drawings(f) {
		p := d.plot(len(out)+1, list, step, x, gaps)
		p.Times, p.Marks = ticks, marked
		out = append(out, p)
	}
	notes := []string{"Upright lines are the numbered moments of what happened. Each step of " + control.Length(step) + " shows the worst that was measured in it: of connections of sources under no limit the least, of all else the most. What was over before the first one, or between two, shows in the figures above only."}
	if len(gaps) > 0 {
		var missing time.Duration
		for _, g := range gaps {
			missing += g.to.Sub(g.from)
		}
		notes = append(notes, "Hatched: nothing was measured for "+control.Length(missing)+" in all, because ebbgate did not run, or it was not kept.")
	}
	if f.Attack.Ended.IsZero() {
		notes = append(notes, "The attack is open: the plots end at "+c.stamp(x.to)+"; what was measured is kept every few seconds.")
	}
	return out, notes
}

// drawings are the plots of an attack: those whose figures stayed at nothing are left out, but for the two
// that say how the service went.
func drawings(f *Facts) []drawing {
	list := f.Samples.Samples
	capacity := 0
	if f.Attack.Policy != nil {
		capacity = f.Attack.Policy.Capacity
	}
	would := ""
	if watched(f.Attack) {
		would = "would have been "
	}
	all := []drawing{
		{title: "Connections held", says: "Of all sources, and of these by sources under no limit: mostly ordinary clients, and attackers below their limit.",
			figures: []drawn{{"all sources", held}, {"sources under no limit", within}}, limit: capacity, limitName: "capacity"},
		{title: "Waiting for the application", says: "Connections that wait in the accept queue of the service's fullest listener. While it is full, nobody new gets in.",
			figures: []drawn{{"in the accept queue", queued}}},
		{title: "New connections a second", says: "Accepted by this host, at all its listeners: not of this service alone.",
			figures: []drawn{{"accepted by the host", opened}}},
		{title: "SYNs a second", says: "Requests for a connection of this service, while they were counted.", figures: []drawn{{"SYNs to the service", syns}}},
		{title: "Sources limited and blocked", says: "Limits and blocks that " + would + "in force at the service, whatever attack they were for.",
			figures: []drawn{{"limited sources", limited}, {"blocks", blocks}}},
		{title: "Packets refused a second", says: "Packets that " + would + "turned away by limits, blocks and SYN meters.", figures: []drawn{{"packets", refused}}},
	}
	if would == "" {
		all[4].says = "Limits and blocks in force at the service, whatever attack they were for."
		all[5].says = "Packets turned away by limits, blocks and SYN meters."
	}
	var out []drawing
	for i, d := range all {
		shown := i < 2
		for _, x := range d.figures {
			shown = shown || most(list, x.of) > 0
		}
		if shown {
			out = append(out, d)
		}
	}
	return out
}

func held(s *control.Sample) int    { return s.Held }
func within(s *control.Sample) int  { return s.Within }
func queued(s *control.Sample) int  { return s.Queue }
func opened(s *control.Sample) int  { return s.Opened }
func syns(s *control.Sample) int    { return s.SYNs }
func limited(s *control.Sample) int { return s.Limited }
func blocks(s *control.Sample) int  { return s.Blocks }
func refused(s *control.Sample) int { return s.Refused }
