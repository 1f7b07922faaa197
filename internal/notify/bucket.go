package notify

import "time"

// bucket says how many notifications may be sent: burst at once, then one each interval.
type bucket struct {
	burst    int
	interval time.Duration
	tokens   int
	since    time.Time // when the next token began to fill; of no meaning while full
}

func newBucket(burst int, interval time.Duration) *bucket {
	return &bucket{burst: burst, interval: interval, tokens: burst}
}

// left returns how many may be sent now.
func (b *bucket) left(now time.Time) int {
	if b.tokens >= b.burst {
		return b.tokens
	}
	if b.interval <= 0 {
		b.tokens = b.burst
		return b.tokens
	}
	if filled := int(min(now.Sub(b.since)/b.interval, time.Duration(b.burst))); filled > 0 {
		b.tokens = min(b.burst, b.tokens+filled)
		b.since = b.since.Add(time.Duration(filled) * b.interval)
	}
	return b.tokens
}

// use takes one, which left must have said is there.
func (b *bucket) use(now time.Time) {
	if b.tokens == b.burst {
		b.since = now
	}
	b.tokens--
}

// next returns when the next one is there.
func (b *bucket) next() time.Time { return b.since.Add(b.interval) }
