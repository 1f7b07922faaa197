package enforcer

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
)

// What keeps conntrack running is what takes a reference to it (nf_ct_netns_get) in the kernel. That
// is no chain of type nat without a rule that translates, and no set whose key is of conntrack's types;
// but objects of conntrack do while no rule uses them, and so does a rule in a chain without a hook.

// tracking are the names of the expressions that need conntrack. notrack is none.
var tracking = map[string]bool{
	"ct": true, "nat": true, "masq": true, "redir": true, "connlimit": true, "synproxy": true, "flow_offload": true,
}

// xtTracking are the matches and targets of iptables-nft that need it, by the names of
// iptables-extensions(8). CT is looked into.
var xtTracking = map[string]bool{
	"conntrack": true, "state": true, "connmark": true, "connbytes": true, "connlimit": true, "connlabel": true,
	"helper": true, "cluster": true, "ipvs": true,
	"MASQUERADE": true, "SNAT": true, "DNAT": true, "REDIRECT": true, "NETMAP": true, "CONNMARK": true,
	"CONNSECMARK": true, "SYNPROXY": true,
}

// foreign returns the attributes of a message of nf_tables, and whether it describes something in a
// table of somebody else's. NFTA_RULE_TABLE, NFTA_OBJ_TABLE and NFTA_SET_TABLE are all 1.
func foreign(msg []byte) (nlwire.Attrs, bool) {
	if len(msg) < nlwire.NetfilterHeader {
		return nlwire.Attrs{}, false
	}
	all := nlwire.Attrs{Rest: msg[nlwire.NetfilterHeader:]}
	name := find(all, unix.NFTA_RULE_TABLE)
	return all, name != nil && (msg[0] != unix.NFPROTO_INET || text(name) != TableName)
}

// find returns the first attribute of a kind, or nil.
func find(in nlwire.Attrs, kind uint16) []byte {
	for in.Next() {
		if in.Kind == kind {
			return in.Value
		}
	}
	return nil
}

// usesTrack reports whether a rule of somebody else's, as the kernel describes it (struct nfgenmsg
// and attributes NFTA_RULE_* of linux/netfilter/nf_tables.h), keeps conntrack running.
func usesTrack(msg []byte) bool {
	all, theirs := foreign(msg)
	return theirs && anyTracks(find(all, unix.NFTA_RULE_EXPRESSIONS))
}

// placeOf returns the chain of a rule.
func placeOf(msg []byte) place {
	all, _ := foreign(msg)
	return place{msg[0], text(find(all, unix.NFTA_RULE_TABLE)), text(find(all, unix.NFTA_RULE_CHAIN))}
}

// objectTracks reports whether a named object of somebody else's (NFTA_OBJ_*) does.
func objectTracks(msg []byte) bool {
	all, theirs := foreign(msg)
	return theirs && objectTypeTracks(find(all, unix.NFTA_OBJ_TYPE))
}

func objectTypeTracks(kind []byte) bool {
	const nftObjectConnlimit = 5 // NFT_OBJECT_CONNLIMIT, missing in x/sys
	if len(kind) != 4 {
		return false
	}
	switch binary.BigEndian.Uint32(kind) {
	case unix.NFT_OBJECT_CT_HELPER, unix.NFT_OBJECT_CT_TIMEOUT, unix.NFT_OBJECT_CT_EXPECT, unix.NFT_OBJECT_SYNPROXY, nftObjectConnlimit:
		return true
	}
	return false
}

// setTracks reports whether a set of somebody else's gives its elements an expression that does. A
// rule that adds such elements does not repeat it.
func setTracks(msg []byte) bool {
	const nftaSetExpr, nftaSetExpressions = 17, 18 // NFTA_SET_EXPR and NFTA_SET_EXPRESSIONS, missing in x/sys
	all, theirs := foreign(msg)
	return theirs && (exprTracks(find(all, nftaSetExpr)) || anyTracks(find(all, nftaSetExpressions)))
}

// anyTracks looks at a list of expressions.
func anyTracks(list []byte) bool {
	for each := (nlwire.Attrs{Rest: list}); each.Next(); {
		if exprTracks(each.Value) {
			return true
		}
	}
	return false
}

// exprTracks looks at one expression (NFTA_EXPR_NAME and NFTA_EXPR_DATA).
func exprTracks(e []byte) bool {
	parts := nlwire.Attrs{Rest: e}
	name := text(find(parts, unix.NFTA_EXPR_NAME))
	data := nlwire.Attrs{Rest: find(parts, unix.NFTA_EXPR_DATA)}
	switch name {
	case "match", "target":
		return extensionTracks(data)
	case "objref":
		return objectTypeTracks(find(data, unix.NFTA_OBJREF_IMM_TYPE))
	case "dynset":
		return dynsetTracks(data)
	}
	return tracking[name]
}

// extensionTracks looks at a match or target of iptables-nft: NFTA_MATCH_NAME and NFTA_TARGET_NAME are
// both 1, NFTA_MATCH_INFO and NFTA_TARGET_INFO are both 3.
func extensionTracks(data nlwire.Attrs) bool {
	name := text(find(data, unix.NFTA_TARGET_NAME))
	if name == "CT" {
		const notrack = 1 // XT_CT_NOTRACK in the flags that begin struct xt_ct_target_info (xt_CT.h)
		info := find(data, unix.NFTA_TARGET_INFO)
		return len(info) < 2 || binary.NativeEndian.Uint16(info)&notrack == 0
	}
	return xtTracking[name]
}

// dynsetTracks looks at the expressions a rule puts into a set's elements.
func dynsetTracks(data nlwire.Attrs) bool {
	const nftaDynsetExpressions = 10 // NFTA_DYNSET_EXPRESSIONS, missing in x/sys
	return exprTracks(find(data, unix.NFTA_DYNSET_EXPR)) || anyTracks(find(data, nftaDynsetExpressions))
}

// text is a string attribute without its terminating zero.
func text(v []byte) string { return string(bytes.TrimRight(v, "\x00")) }
