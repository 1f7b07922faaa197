package control

import (
	"encoding/json"
	"sync"
)

// snapshot is one published value and its encoding. The encoding is made by the first request
// that wants it and then shared, so that a crowd of clients costs one encoding per publication
// and one copy in memory.
type snapshot[T any] struct {
	value func() *T
	once  sync.Once
	body  []byte
	err   error
}

// newSnapshot returns a snapshot of a value that is there already.
func newSnapshot[T any](value *T) *snapshot[T] {
	return &snapshot[T]{value: func() *T { return value }}
}

// answer returns the whole envelope.
func (s *snapshot[T]) answer() ([]byte, error) {
	s.once.Do(func() {
		s.body, s.err = json.Marshal(envelope[T]{Result: s.value()})
	})
	return s.body, s.err
}
