package demo

import (
	"context"
	"fmt"
	"time"
)

// stayTime bounds an attack that goes on until somebody has seen enough: the laboratory is for trying things
// out, not for keeping.
const stayTime = time.Hour

// stay lets the attack that ebbgate answers go on until ctx is cancelled or its time is over, which is told
// as if it were, and says how to ask ebbgate meanwhile.
func (p *play) stay(ctx context.Context) error {
	p.line.say(p.kind.again)
	p.line.say("it goes on until you press Ctrl-C, and for an hour at most. In another terminal, as root, ask")
	p.line.say("ebbgate about it; what you order holds for this laboratory only:")
	for _, command := range []string{"status", "sources", "explain ADDR", "exempt ADDR", "events -f", "top"} {
		p.line.say(fmt.Sprintf("  %s %s --socket %s", p.Program, command, p.stage.socket()))
	}
	p.result.onset = time.Now()
	if err := p.begin(ctx); err != nil {
		return err
	}
	if err := p.watch(ctx, stayTime, nil); err != nil {
		return err
	}
	return fmt.Errorf("%w: its hour is over", context.Canceled)
}
