package observer

import (
	"time"

	"ebbgate/policy"
)

const (
	// budgetSpan is how long unspent budget is saved up.
	budgetSpan = 10 * time.Second
	// AttackFactor is how many times the budget a census may cost while an attack is open.
	AttackFactor = 4
	// routineShare is the part of the budget that routine censuses may use: one tenth.
	routineShare = 10
	// routinePause is the least time between two censuses of which the second is routine.
	routinePause = time.Second
)

// Budget decides when a census may start. It is a token bucket in debt style: a census may start
// while there is a balance, and what it really cost is taken off afterwards, below zero if need
// be. After a census of one second at a budget of 5 % nothing may start for twenty seconds.
//
// Over any span of time the CPU spent is at most budget x (span + 10 s), four times the budget
// while an attack is open, plus the cost of the last census. Suspicion does not change the rate,
// only the account: routine censuses have one of their own which holds a tenth and are charged to
// both, so toggling suspicion gains an attacker nothing.
//
// It is pure: time comes in as an argument. A Budget belongs to one goroutine.
type Budget struct {
	perMille int64
	main     int64 // balance in thousandths of a nanosecond of CPU, negative in debt
	routine  int64 // the same in the account of routine censuses, in its own tenths
	at       policy.Instant
	depth    policy.Depth // at the last call of Allow
	began    bool         // at and depth are set
	granted  policy.Depth // of the census that was last allowed
	last     policy.Instant
	spent    bool // last is set
}

// NewBudget returns a full Budget of so many thousandths of one core. Without budget (0 or less)
// nothing is ever allowed.
func NewBudget(perMille int) *Budget {
	b := &Budget{perMille: max(int64(perMille), 0)}
	b.main, b.routine = b.bound(), b.bound()
	return b
}

// bound is the most that is saved up: budgetSpan at the plain rate.
func (b *Budget) bound() int64 { return b.perMille * int64(budgetSpan) }

// Allow reports whether a census may start now at the given depth. It is to be asked at every turn
// in which one could start, not while one runs. The time between two calls earns the attack's rate
// only if both are under attack.
func (b *Budget) Allow(now policy.Instant, depth policy.Depth) bool {
	b.earn(now, depth)
	allowed := b.main > 0
	if depth == policy.Routine {
		allowed = allowed && b.routine > 0 && (!b.spent || now.Sub(b.last) >= routinePause)
	}
	if allowed {
		b.granted = depth
	}
	return allowed
}

// Spend charges a census that ended now, at the depth at which Allow last said yes. One that
// failed is charged as well.
func (b *Budget) Spend(now policy.Instant, cpu time.Duration) {
	cost := 1000 * int64(min(max(cpu, 0), time.Hour))
	b.main -= cost
	if b.granted == policy.Routine {
		b.routine -= routineShare * cost
	}
	b.last, b.spent = now, true
}

// earn adds what the time since the last call is worth. A clock that goes back earns nothing.
func (b *Budget) earn(now policy.Instant, depth policy.Depth) {
	elapsed := now.Sub(b.at)
	rate := b.perMille
	if depth == policy.UnderAttack && b.depth == policy.UnderAttack {
		rate *= AttackFactor
	}
	if b.began && elapsed > 0 {
		b.main = save(b.main, b.bound(), rate, elapsed)
		b.routine = save(b.routine, b.bound(), b.perMille, elapsed)
	}
	b.at, b.depth, b.began = max(b.at, now), depth, true
}

// save adds elapsed x rate to a balance, up to bound, without overflow.
func save(balance, bound, rate int64, elapsed time.Duration) int64 {
	if rate == 0 || balance >= bound {
		return balance
	}
	if int64(elapsed) >= (bound-balance)/rate+1 {
		return bound
	}
	return min(balance+rate*int64(elapsed), bound)
}
