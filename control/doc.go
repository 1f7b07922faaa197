// Package control is the daemon's API: HTTP and JSON over a unix socket, its wire types, its
// server, its client, and the human rendering of a Status.
//
//	curl --unix-socket /run/ebbgate/control.sock http://ebbgate/v1/status
//
// It imports the standard library, golang.org/x/sys and the policy package only. It reads no
// kernel state but the socket's own (peer credentials) and decides nothing: the daemon publishes
// immutable snapshots, and the server hands them out. No question ever waits for the daemon, and
// the daemon never waits for a request. Only an order waits, for a turn of the daemon's loop and not
// for ever: whoever gives one learns that it is in force, or that nothing was changed.
//
// # The wire
//
// Paths carry a version. Every answer is one JSON object, either
//
//	{"result": ...}
//	{"error": {"kind": "...", "message": "..."}}
//
// Field names are snake_case. Fields may be added within a version; none is renamed, removed or
// given another meaning. Times are RFC 3339 in UTC with milliseconds; null is "never". Durations
// are numbers of seconds with a fraction. Lists are never null.
//
// What a client sends is read strictly: an unknown field or parameter, or one that comes twice, is
// an error that names those there are.
//
// # Who may ask
//
// The kernel says who connected (SO_PEERCRED and SO_PEERGROUPS, unix(7) and socket(7)). Root and
// members of the policy's view group may read, and root alone may change anything, but that the user
// the daemon runs as may have it load its policy again; everybody else is answered 403.
//
// # The socket file
//
// One daemon serves a path: it holds a lock on PATH.lock for as long as it lives, so the kernel
// frees it however the daemon ends. Removing the socket file makes the daemon unreachable for new
// clients but stops nothing, and the lock still keeps a second daemon out. The directory must be
// writable for the daemon's user only.
package control
