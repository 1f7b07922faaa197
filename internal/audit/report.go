package audit

// Report is what an audit found, with what is needed to read it.
type Report struct {
	Kernel   string         `json:"kernel"` // release; empty if it could not be read
	Sample   float64        `json:"sample"` // seconds between the two looks at counters and queues; 0: one look
	Counts   map[string]int `json:"counts"` // findings by severity, those that are ok included
	Findings []Finding      `json:"findings"`
}

// NewReport sums findings up. Those that are ok are counted, and listed only with all.
func NewReport(f *Facts, findings []Finding, all bool) *Report {
	r := &Report{Kernel: f.Kernel, Sample: f.Window.Seconds(), Counts: make(map[string]int, len(severityNames)), Findings: []Finding{}}
	for _, name := range severityNames {
		r.Counts[name] = 0
	}
	for _, x := range findings {
		r.Counts[x.Severity.String()]++
		if all || x.Severity != OK {
			r.Findings = append(r.Findings, x)
		}
	}
	return r
}

// AtLeast counts the findings of a severity or worse.
func (r *Report) AtLeast(s Severity) int {
	n := 0
	for i, name := range severityNames {
		if Severity(i) >= s {
			n += r.Counts[name]
		}
	}
	return n
}
