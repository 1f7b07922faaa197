package notify

import (
	"time"

	"ebbgate/control"
)

// desk decides what is told, and when. It is pure: the time is given to it.
type desk struct {
	host     string
	selected Selection
	flap     *flapping
	queue    queue
	bucket   *bucket
	ledger   ledger
	dropped  int // since the last notification that was delivered
}

func newDesk(c *Config) *desk {
	return &desk{host: c.Host, selected: c.Selection, flap: newFlapping(c.Flap), queue: queue{bound: maxQueue},
		bucket: newBucket(c.Burst, c.Interval)}
}

// read takes in an event of the stream, once.
func (d *desk) read(e control.Event, now time.Time) {
	wanted := d.selected.has(&e)
	if d.ledger.see(e.ID, !wanted) && wanted {
		d.add(itemOf(e), now)
	}
}

// own takes in an event of ours. A test passes whatever is selected.
func (d *desk) own(e control.Event, now time.Time) {
	switch {
	case e.Event == Test:
		d.enqueue(itemOf(e))
	case d.selected.has(&e):
		d.add(itemOf(e), now)
	}
}

func (d *desk) add(it item, now time.Time) {
	if d.flap.pass(it, now) {
		d.enqueue(it)
	}
}

func (d *desk) enqueue(it item) {
	if gone, full := d.queue.push(it); full {
		d.drop(gone)
	}
}

func (d *desk) drop(it item) {
	d.dropped += 1 + it.repeats
	d.ledger.settle(it.ids)
}

// next returns what is to be told now, if anything is. Otherwise it says when there may be something
// without another event; the zero time is never. The last notification of a burst tells all that waits.
func (d *desk) next(now time.Time) (batch []item, at time.Time) {
	for _, it := range d.flap.due(now) {
		d.enqueue(it)
	}
	waiting, left := len(d.queue.items), d.bucket.left(now)
	switch {
	case waiting == 0:
		return nil, d.flap.next()
	case left == 0:
		return nil, d.bucket.next()
	}
	d.bucket.use(now)
	if left > 1 {
		return d.queue.take(1), time.Time{}
	}
	return d.queue.take(waiting), time.Time{}
}

// notification composes a batch. What was dropped until now is told with it.
func (d *desk) notification(batch []item) *Notification {
	n := compose(d.host, batch, d.dropped)
	d.dropped = 0
	return n
}

// delivered settles a batch that was told.
func (d *desk) delivered(batch []item) {
	for _, it := range batch {
		d.ledger.settle(it.ids)
	}
}

// undelivered gives a batch up: the next notification says so.
func (d *desk) undelivered(batch []item, n *Notification) {
	d.dropped += n.Dropped
	for _, it := range batch {
		d.drop(it)
	}
}
