// Package process finds out which processes hold a socket, and what may be said about them: name,
// executable, unit, limit and use of file descriptors.
//
// It reads /proc and nothing else, once for each call, and changes nothing. The pass costs about a
// microsecond for each descriptor that is open on the host, so callers ask only when an answer
// needs it. What the kernel does not let the caller see is counted, never passed over in silence.
// All text that a process chooses for itself comes back fit for a terminal (escape.Terminal).
package process
