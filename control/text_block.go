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
	rows := [][]string{{"BLOCKED", "STRIKE", "LEFT", "FOR", "WHY"}}
	for i := range shown {
		rows = append(rows, blockRow(now, &shown[i]))
	}
	p.table(4, rows, 1, 2, 3)
	if more := max(s.BlocksTotal, len(s.Blocks)) - len(shown); more > 0 {
		p.put(subtle, 6, fmt.Sprintf("    and %s more; ebbgate status --json has the %d newest", number(more), MaxBlocks))
	}
}

func blockRow(now Time, b *Block) []string {
	why := reasonText(b.Rule, b.Measured, b.Threshold)
	if b.Mode == policy.Shadow {
		why += " (would be blocked)"
	}
	return []string{sourceText(b.Source), number(b.Strikes), length(b.Left.std()), ago(now, b.Since), why}
}
