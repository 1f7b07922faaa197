package setdump

import (
	"encoding/binary"

	"ebbgate/internal/nlwire"
)

// generations notices that the ruleset changed while it was dumped. The kernel does not mark
// dumps of elements with NLM_F_DUMP_INTR (6.18 does not), but each message carries the lower half
// of the ruleset's generation, in network order, as the res_id of its struct nfgenmsg. 65,536
// changes between two reads of one dump would go unseen.
type generations struct {
	first   uint16
	seen    bool
	changed bool
}

// see takes the body of one message. One too short to have a generation is no concern of ours.
func (g *generations) see(body []byte) {
	if len(body) < nlwire.NetfilterHeader {
		return
	}
	now := binary.BigEndian.Uint16(body[2:])
	if !g.seen {
		g.first, g.seen = now, true
	}
	g.changed = g.changed || now != g.first
}
