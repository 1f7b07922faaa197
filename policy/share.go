package policy

import "math"

const (
	// pressAt and shareTo are the parts of a service's capacity, in percent, at which a distributed
	// flood begins, and which the fair share leaves in use. The room between them is for those who come
	// while the excess is being closed.
	pressAt = 90
	shareTo = 80
	// leastTo is the part that is left to all others where exempt sources hold the rest.
	leastTo = 10

	// unlimited is the share of everybody while there is enough for all.
	unlimited = math.MaxInt32
)

// fairShare returns the next share of each when counts compete for a target: the largest share
// with sum(min(count, share)) at or under the target, and at least 1.
//
// The last share is never raised at once, since what is counted was held down by it: those who hold
// as much as they may would take more. With relax it is raised to where the target would still be
// kept if they all did, so that it settles instead of swinging. It takes O(n log n) and allocates
// nothing.
func fairShare(counts []int, target, last int, relax bool) int {
	if sum := cappedSum(counts, last); sum > target {
		return largestShare(counts, target, min(last, target))
	}
	if !relax || last == unlimited {
		return last
	}
	full, rest := 0, 0
	for _, c := range counts {
		if c >= last {
			full++
		} else {
			rest += c
		}
	}
	if full == 0 {
		return unlimited
	}
	return max(last, (target-rest)/full)
}

// largestShare finds the share by bisection.
func largestShare(counts []int, target, most int) int {
	low, high := 1, max(most, 1)
	for low < high {
		if mid := (low + high + 1) / 2; cappedSum(counts, mid) <= target {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low
}

func cappedSum(counts []int, limit int) int {
	sum := 0
	for _, c := range counts {
		sum += min(c, limit)
	}
	return sum
}
