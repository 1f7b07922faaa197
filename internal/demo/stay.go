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
	p.line.say("the attack begins, and goes on until you press Ctrl-C, for an hour at most. To ask ebbgate about")
	p.line.say("it, paste this into another terminal, as root; what you order holds in this laboratory only:")
	p.line.say(fmt.Sprintf(`  ebbgate() { '%s' "$@" --socket '%s'; }`, p.Program, p.stage.socket()))
	p.line.say("and then: ebbgate status, ebbgate top, ebbgate sources, ebbgate explain ADDR, ebbgate attacks 1,")
	p.line.say("ebbgate exempt ADDR, ebbgate block ADDR, ebbgate mode shadow --for 1m, ebbgate events -f")
	p.result.onset = time.Now()
	if err := p.begin(ctx); err != nil {
		return err
	}
	if err := p.watch(ctx, stayTime, nil); err != nil {
		return err
	}
	return fmt.Errorf("%w: its hour is over", context.Canceled)
}
