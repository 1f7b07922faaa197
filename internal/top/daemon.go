package top

import (
	"context"
	"net/netip"

	"ebbgate/control"
)

// Daemon is what the view asks and orders. *control.Client is one.
type Daemon interface {
	asker
	orderer
}

type asker interface {
	Status(context.Context) (*control.Status, error)
	Sources(context.Context, control.SourcesRequest) (*control.Sources, error)
	Attacks(context.Context) (*control.Attacks, error)
	Explain(context.Context, netip.Addr) (*control.Explanation, error)
}

type orderer interface {
	Exempt(context.Context, control.ExemptRequest) (*control.Exempted, error)
	Block(context.Context, control.BlockRequest) (*control.Blocked, error)
	Unblock(context.Context, control.UnblockRequest) (*control.Blocked, error)
	Mode(context.Context, control.ModeRequest) (*control.Moded, error)
}

var _ Daemon = (*control.Client)(nil)
