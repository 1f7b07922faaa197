//go:build race

package enforcer

// fewerRounds is by how much the rounds of random rulesets are fewer under the race detector. Compiling and
// comparing rulesets starts no goroutine, so it has nothing to find there, and makes it ten times as slow; a
// test without it has the full volume.
const fewerRounds = 6
