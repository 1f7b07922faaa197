// Package top is the live view of a daemon on a terminal: its state, the services, who holds most of
// them, the attacks and what is in force, and the orders an operator gives while he looks.
//
// Model is pure: it is told of keys, pictures and time, and returns text. Run gives it a terminal. It
// asks the daemon as any client does, never twice at once, and keeps the last picture while none
// answers. What strangers can choose is escaped where it becomes a cell or a line, and nowhere else.
package top
