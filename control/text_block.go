package control

import (
	"fmt"

	"ebbgate/policy"
)

// textBlocks is how many blocks of a service are shown to people.
const textBlocks = 5

// blocks writes the newest blocks as a table.
func (p *page) blocks(now Time, s *Service) {
	if len(s.Blocks) == 0 {
		return
	}
	shown := s.Blocks[:min(len(s.Blocks), textBlocks)]
	rows := [][]string{{"BLOCKED", "STRIKE", "LEFT", "FOR", "WHY (COUNT OF ALLOWED, RULE)"}}
	for i := range shown {
		rows = append(rows, blockRow(now, &shown[i]))
	}
	p.sparing(4, rows, []int{3}, 1, 2, 3)
	if more := max(s.BlocksTotal, len(s.Blocks)) - len(shown); more > 0 {
		p.put(subtle, 6, fmt.Sprintf("    and %s more: ebbgate sources --state blocked --service %s", Number(more), Escape(s.Name)))
	}
}

func blockRow(now Time, b *Block) []string {
	why := withReason(ShortReason(b.Rule, b.Measured, b.Threshold), b)
	if b.Mode == policy.Shadow {
		why += " (would be blocked)"
	}
	return []string{SourceText(b.Source), strikeWords(b), Length(b.Left.std()), ago(now, b.Since), why}
}

// blockWhy says why a source is blocked.
func blockWhy(b *Block) string { return withReason(ReasonText(b.Rule, b.Measured, b.Threshold), b) }

// withReason adds what somebody gave as his reason.
func withReason(why string, b *Block) string {
	if b.Reason != "" {
		why += ": " + Escape(b.Reason)
	}
	return why
}

// strikeWords says how often a source was blocked for an offence; one that never was has no strike.
func strikeWords(b *Block) string {
	if b.Strikes == 0 {
		return "-"
	}
	return Number(b.Strikes)
}
