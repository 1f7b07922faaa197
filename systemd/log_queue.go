package systemd

import (
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
)

const (
	// mostRecords and mostRecordBytes bound the log records that wait for the journal. The last quarter is
	// for warnings and errors.
	mostRecords     = 1024
	mostRecordBytes = 4 << 20
	// flushPatience bounds how long the end of the process waits for the journal.
	flushPatience = time.Second
)

// recordQueue hands records to write in order, and never makes whoever adds one wait. At its bounds a record
// is left out; a warning says how many were, once the queue has been written and write succeeds. Its
// methods may be called from any goroutine. The goroutine that writes exists only while there is something to
// write, and is the only one that calls write.
type recordQueue struct {
	write func(*record) error

	mu       sync.Mutex
	waiting  []*record
	bytes    int           // of waiting
	left     leftOut       // since the last warning
	finished chan struct{} // closed when the goroutine that writes has nothing left to do; nil: there is none
}

// leftOut are the records that nobody will read.
type leftOut struct {
	count       int
	first, last time.Time
}

func (l *leftOut) add(other leftOut) {
	switch {
	case l.count == 0:
		*l = other
		return
	case other.first.Before(l.first):
		l.first = other.first
	}
	if other.last.After(l.last) {
		l.last = other.last
	}
	l.count += other.count
}

// add takes a record, or leaves it out. r is the queue's from then on.
func (q *recordQueue) add(r *record) {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := r.size()
	if !q.room(size, r.priority) {
		q.left.add(leftOut{1, r.at, r.at})
		return
	}
	q.waiting = append(q.waiting, r)
	q.bytes += size
	if q.finished == nil {
		q.finished = make(chan struct{})
		go q.run()
	}
}

func (q *recordQueue) room(size int, p journal.Priority) bool {
	records, bytes := mostRecords, mostRecordBytes
	if p > journal.PriWarning {
		records, bytes = records/4*3, bytes/4*3
	}
	return len(q.waiting) < records && q.bytes+size <= bytes
}

// run writes until nothing is left. Where nothing can be written, the warning waits for the next record.
func (q *recordQueue) run() {
	works := true
	for {
		r, lost := q.next(works)
		if r == nil {
			return
		}
		if works = q.write(r) == nil; !works {
			q.mu.Lock()
			q.left.add(lost)
			q.mu.Unlock()
		}
	}
}

// next returns what is to be written, nil if there is nothing, and what is left out if that fails.
func (q *recordQueue) next(works bool) (*record, leftOut) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) > 0 {
		r := q.waiting[0]
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
		q.bytes -= r.size()
		return r, leftOut{1, r.at, r.at}
	}
	q.waiting = nil
	if works && q.left.count > 0 {
		lost := q.left
		q.left = leftOut{}
		return lost.record(), lost
	}
	close(q.finished)
	q.finished = nil
	return nil, leftOut{}
}

// flush waits until everything is written, at most for flushPatience.
func (q *recordQueue) flush() {
	q.mu.Lock()
	finished := q.finished
	q.mu.Unlock()
	if finished == nil {
		return
	}
	patience := time.NewTimer(flushPatience)
	defer patience.Stop()
	select {
	case <-finished:
	case <-patience.C:
	}
}
