package control

import "fmt"

// group is the policy's view group.
type group struct {
	name  string // as the policy has it; empty: none
	gid   uint32
	known bool // false: the system has no such group
}

// mayView admits root and the members of the view group.
func (g group) mayView(p Peer) *Error {
	if p.UID == 0 || g.known && p.In(g.gid) {
		return nil
	}
	return &Error{Kind: KindForbidden, Message: fmt.Sprintf("read from ebbgate: not permitted for uid %d: %s", p.UID, g.who())}
}

// who says who may read, and what to do to be one of them.
func (g group) who() string {
	switch {
	case g.known:
		return fmt.Sprintf("only root and members of group %q may; join it (usermod -aG %s USER), then log in again", g.name, g.name)
	case g.name != "":
		return fmt.Sprintf("only root may, because group %q does not exist; create it (groupadd --system %s) and restart ebbgate", g.name, g.name)
	default:
		return "only root may; control.view_group in the policy admits a group"
	}
}

// mayReload admits root, and the user the daemon runs as: a service manager reloads a service by a
// command it runs as that user. Nothing of what is loaded comes from the caller.
func (s *Server) mayReload(p Peer) *Error {
	if p.UID == 0 || p.UID == s.uid {
		return nil
	}
	who := "only root may"
	if s.uid != 0 {
		who += fmt.Sprintf(", and uid %d, as which ebbgate runs", s.uid)
	}
	return &Error{Kind: KindForbidden, Message: fmt.Sprintf("reload the policy: not permitted for uid %d: %s; try sudo", p.UID, who)}
}

// mayAct admits root alone.
func mayAct(p Peer) *Error {
	if p.UID == 0 {
		return nil
	}
	return &Error{Kind: KindForbidden, Message: fmt.Sprintf("change what ebbgate does: not permitted for uid %d: only root may; try sudo", p.UID)}
}
