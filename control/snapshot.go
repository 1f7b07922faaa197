package control

import (
	"encoding/json"
	"sync"
)

// snapshot is one published value and its encoding. Both are made by the first request that wants
// them and then shared, so that a crowd of clients costs one encoding per publication and one copy
// in memory.
type snapshot[T any] struct {
	value func() *T

	made sync.Once
	is   *T

	encoded sync.Once
	body    []byte
	err     error
}

// newSnapshot returns a snapshot of a value that is there already.
func newSnapshot[T any](value *T) *snapshot[T] {
	return &snapshot[T]{value: func() *T { return value }}
}

// get returns the value, which must not be changed.
func (s *snapshot[T]) get() *T {
	s.made.Do(func() { s.is = s.value() })
	return s.is
}

// answer returns the whole envelope.
func (s *snapshot[T]) answer() ([]byte, error) {
	s.encoded.Do(func() { s.body, s.err = json.Marshal(envelope[T]{Result: s.get()}) })
	return s.body, s.err
}
