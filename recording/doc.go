// Package recording keeps what the daemon saw, so that it can be decided again: by the same
// policy, with the same result to the byte (P11), or by another one.
//
// A recording is a gzip stream of JSON lines. The first is a Header; each following one is an
// Entry: an observation and the digest of the decision that followed. A file begins with the state
// of that moment, so every file of a rotated recording can be replayed by itself.
//
// It writes and reads files and knows no clock and no kernel.
package recording
