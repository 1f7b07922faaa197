package history

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"ebbgate/control"
)

const (
	// maxSamples bounds the samples of one attack. At the bound each two become one.
	maxSamples = 600
	// FirstStep is the time between two samples of a series that has not reached its bound.
	FirstStep = time.Second
	// seriesForm is the version of the form of a stored series.
	seriesForm = 1
)

// Series is how one attack went, in steps of equal length. The zero value is an empty one.
type Series struct {
	step    time.Duration
	samples []control.Sample
}

// Add adds the figures of one moment. Within one step the worst of each figure is kept; at the bound
// the steps become twice as long.
func (s *Series) Add(x control.Sample) {
	if s.step == 0 {
		s.step = FirstStep
	}
	if n := len(s.samples); n > 0 && x.At.Sub(s.samples[n-1].At.Time) < s.step {
		s.samples[n-1].Merge(&x)
		return
	}
	if len(s.samples) == maxSamples {
		for i := range maxSamples / 2 {
			s.samples[i] = s.samples[2*i]
			s.samples[i].Merge(&s.samples[2*i+1])
		}
		s.samples = s.samples[:maxSamples/2]
		s.step *= 2
		s.Add(x)
		return
	}
	s.samples = append(s.samples, x)
}

// Len returns how many samples there are.
func (s *Series) Len() int { return len(s.samples) }

// Clone returns a copy that does not change with s.
func (s *Series) Clone() Series {
	return Series{step: s.step, samples: slices.Clone(s.samples)}
}

// encode writes the series as it is now.
func (s *Series) encode() []byte {
	v := append(make([]byte, 0, 32*len(s.samples)), seriesForm)
	v = binary.AppendVarint(v, int64(s.step))
	v = binary.AppendVarint(v, int64(len(s.samples)))
	for i := range s.samples {
		x := &s.samples[i]
		v = binary.AppendVarint(v, x.At.UnixMilli())
		for _, n := range figures(x) {
			v = binary.AppendVarint(v, int64(*n))
		}
	}
	return v
}

func figures(x *control.Sample) []*int {
	return []*int{&x.Held, &x.Within, &x.Limited, &x.Blocks, &x.Opened, &x.SYNs, &x.Refused, &x.Queue}
}

var errSeries = errors.New("not a series")

func readSeries(v []byte) (s Series, err error) {
	if len(v) == 0 || v[0] != seriesForm {
		return s, errSeries
	}
	r := reader{rest: v[1:]}
	s.step = time.Duration(r.int())
	n := r.int()
	if r.short || s.step < 0 || n < 0 || n > maxSamples {
		return Series{}, errSeries
	}
	for range n {
		x := control.Sample{At: control.TimeOf(time.UnixMilli(r.int()))}
		for _, f := range figures(&x) {
			*f = int(r.int())
		}
		s.samples = append(s.samples, x)
	}
	if r.short || len(r.rest) > 0 {
		return Series{}, errSeries
	}
	return s, nil
}
