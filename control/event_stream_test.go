package control

import (
	"context"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatComesAfterAnID(t *testing.T) {
	s := streamOf(Event{Event: Started}, Event{Event: Ready}, Event{Event: Degraded})
	lost := &Stream{Since: s.Since + 1, Events: s.Events[1:]}
	empty := &Stream{Since: firstID}
	for _, tt := range []struct {
		name   string
		s      *Stream
		after  uint64
		first  uint64 // 0: none
		missed bool
	}{
		{"everything", s, 0, firstID + 1, false},
		{"everything that is left", lost, 0, firstID + 2, false},
		{"the beginning", s, firstID, firstID + 1, false},
		{"the first", s, firstID + 1, firstID + 2, false},
		{"the last", s, firstID + 3, 0, false},
		{"a run before", s, firstID - 1, firstID + 1, true},
		{"the last that was dropped", lost, firstID + 1, firstID + 2, false},
		{"one before it", lost, firstID, firstID + 2, true},
		{"one that was not given", s, firstID + 4, firstID + 1, true},
		{"the highest", s, math.MaxUint64, firstID + 1, true},
		{"nothing has happened", empty, 0, 0, false},
		{"nothing has happened yet", empty, firstID, 0, false},
		{"not even that", empty, firstID + 1, 0, true},
	} {
		events, missed := tt.s.after(tt.after)
		first := uint64(0)
		if len(events) > 0 {
			first = events[0].ID
		}
		if first != tt.first || missed != tt.missed {
			t.Errorf("%s: got %d and missed %v, want %d and %v", tt.name, first, missed, tt.first, tt.missed)
		}
		if news := tt.s.news(tt.after); news != (first != 0 || missed) {
			t.Errorf("%s: news is %v", tt.name, news)
		}
	}
}

func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, began := bare(), time.Now()
		srv.PublishEvents(streamOf(Event{Event: Started}))
		time.AfterFunc(3*time.Second, func() { srv.PublishEvents(streamOf(Event{Event: Started}, Event{Event: Ready})) })
		for _, tt := range []struct {
			after uint64
			wait  time.Duration
			ends  time.Duration
		}{
			{0, time.Second, 0},
			{firstID + 1, time.Second, time.Second},
			{firstID + 1, LongestWait, 3 * time.Second},
			{firstID + 1, LongestWait, 3 * time.Second},
			{firstID + 2, LongestWait, 11 * time.Second},
		} {
			srv.await(t.Context(), tt.after, tt.wait)
			if took := time.Since(began); took != tt.ends {
				t.Errorf("after %d, at most %v: answered at %v, want %v", tt.after, tt.wait, took, tt.ends)
			}
		}
	})
}

// TestAwaitHearsLastWords: what the daemon says when it stops reaches who waits, and who waits is not kept.
func TestAwaitHearsLastWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, says := range []bool{true, false} {
			srv, began := bare(), time.Now()
			srv.PublishEvents(streamOf(Event{Event: Started}))
			ctx, stop := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, func() {
				stop()
				time.Sleep(lastWords / 2) // of synctest's time
				if says {
					srv.PublishEvents(streamOf(Event{Event: Started}, Event{Event: Stopping}))
				}
			})
			got := srv.await(ctx, firstID+1, LongestWait)
			if heard := got.news(firstID + 1); heard != says {
				t.Errorf("said %v, heard %v", says, heard)
			}
			if took := time.Since(began); took > time.Second+lastWords {
				t.Errorf("it took %v", took)
			}
		}
	})
}

// TestCrowdWaits has as many wait as may, and each hears of everything once.
func TestCrowdWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := bare()
		srv.PublishEvents(&Stream{Since: firstID})
		const crowd, turns = 400, 50
		var mu sync.Mutex
		heard := make(map[uint64]int)
		for range crowd {
			go func() {
				after := uint64(firstID)
				for after < firstID+turns {
					got := srv.await(t.Context(), after, LongestWait)
					events, _ := got.after(after)
					mu.Lock()
					for _, e := range events {
						heard[e.ID]++
					}
					mu.Unlock()
					after = got.last()
				}
			}()
		}
		var all []Event
		for range turns {
			time.Sleep(100 * time.Millisecond) // of synctest's time
			all = append(all, Event{Event: Degraded})
			srv.PublishEvents(streamOf(all...))
		}
		synctest.Wait()
		for id := uint64(firstID + 1); id <= firstID+turns; id++ {
			if heard[id] != crowd {
				t.Errorf("event %d was heard %d times, want %d", id-firstID, heard[id], crowd)
			}
		}
	})
}

func BenchmarkPublishEvents(b *testing.B) {
	for _, crowd := range []int{0, maxConns} {
		b.Run(map[bool]string{true: "nobody", false: "everybody"}[crowd == 0], func(b *testing.B) {
			srv := bare()
			s := happened()
			srv.PublishEvents(s)
			ctx, stop := context.WithCancel(b.Context())
			var wg sync.WaitGroup
			for range crowd {
				wg.Go(func() {
					for ctx.Err() == nil {
						srv.await(ctx, s.last(), LongestWait) // which has no news, so it waits for the next but one
					}
				})
			}
			b.ReportAllocs()
			for b.Loop() {
				srv.PublishEvents(s)
			}
			stop()
			wg.Wait()
		})
	}
}
