package top

import (
	"context"
	"fmt"

	"ebbgate/control"
)

// reason is what the daemon remembers of orders given here.
const reason = "by ebbgate top"

// outcome is what came of an order, escaped.
type outcome struct {
	text string
	bad  bool
}

// send carries the order out and says what came of it.
func (o *order) send(d orderer) outcome {
	carry := [...]func(context.Context, orderer) (string, []string, error){
		block: o.sendBlock, unblock: o.sendUnblock, exempt: o.sendExempt, setMode: o.sendMode,
	}[o.verb]
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	text, still, err := carry(ctx, d)
	if err != nil {
		return outcome{errorText(err), true}
	}
	for _, s := range still {
		text += "; " + control.Escape(s)
	}
	return outcome{text, false}
}

func (o *order) sendBlock(ctx context.Context, d orderer) (string, []string, error) {
	done, err := d.Block(ctx, control.BlockRequest{Prefix: control.SourceText(o.source), For: control.Duration(o.length()), Service: o.service(), Reason: reason})
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("%s is blocked %s for %s", control.SourceText(done.Prefix), o.at(), control.Length(o.length())), done.Still, nil
}

func (o *order) sendUnblock(ctx context.Context, d orderer) (string, []string, error) {
	done, err := d.Unblock(ctx, control.UnblockRequest{Prefix: control.SourceText(o.source), Service: o.service()})
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("%s is free %s: %s and %s ended", control.SourceText(done.Prefix), o.at(),
		control.Counted(done.Total, "block", "blocks"), control.Counted(done.Freed, "limit", "limits")), done.Still, nil
}

func (o *order) sendExempt(ctx context.Context, d orderer) (string, []string, error) {
	done, err := d.Exempt(ctx, control.ExemptRequest{Prefix: control.SourceText(o.source), For: control.Duration(o.length()), Service: o.service(), Reason: reason})
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("%s is exempt %s for %s", control.SourceText(done.Exempt.Prefix), o.at(), control.Length(o.length())), nil, nil
}

func (o *order) sendMode(ctx context.Context, d orderer) (string, []string, error) {
	_, err := d.Mode(ctx, control.ModeRequest{Mode: o.mode, Service: o.service(), For: control.Duration(o.length())})
	return fmt.Sprintf("mode %s %s%s", o.mode, o.at(), modeFor(o.length())), nil, err
}
