//go:build !race

package enforcer

const fewerRounds = 1
