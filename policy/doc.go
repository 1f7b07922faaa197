// Package policy holds what the operator wrote and what follows from it: the policy file, its
// validation, and the pure decision function Step.
//
// It touches no clock, socket, file descriptor, goroutine or kernel package, and imports the
// standard library and the TOML parsers only. Time enters as a number inside an Observation, so
// a recorded observation yields the same decision on any machine, on any day (promise P11).
//
// The goals, by the numbers of the promises in ARCHITECTURE.md:
//
//	P4   an exempt address appears in no Limit, whatever was counted for it
//	P5   only completed handshakes are evidence against a source
//	P7   only connections to a service of the policy are counted
//	P10  Parse reports every problem of a file at once, and a bad file yields no policy
//	P11  Step is a function: same policy, state and observation, same result
//	P12  every Limit carries the rule, the measured value, the threshold and the time
package policy
