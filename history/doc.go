// Package history keeps what must outlast the daemon in one file, an embedded database: blocks with their
// strikes, what the operator ordered until a time, the attacks there were, and how each of them went.
//
// Nobody waits for the disk: what is to be kept is handed over and written by a goroutine, the state at
// most once a second and by its differences, in transactions that are on the disk when they end. A file
// that is damaged, locked, full or read-only costs what it would have kept and nothing else: each is an
// error to be shown, and the daemon goes on without (promise P8). What is read is checked twice, as a file
// by this package and as a state by policy.Restore, since a power loss or a bad disk may leave anything.
package history
