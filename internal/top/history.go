package top

import (
	"math"

	"ebbgate/control"
)

const (
	// samples is how many pictures are remembered: at one a second the last two minutes.
	samples = 120
	// mostRemembered bounds the services that are.
	mostRemembered = 1000
)

// series is the newest values of one figure, the oldest first. What was not counted is not a number.
type series []float64

func (s *series) add(v float64) {
	if len(*s) >= samples {
		copy(*s, (*s)[1:])
		*s = (*s)[:samples-1]
	}
	*s = append(*s, v)
}

// traffic is what is remembered of a service.
type traffic struct{ held, opened, syns series }

// history is what is remembered of the pictures.
type history struct {
	at       control.Time
	opens    series // by all listeners of the host
	services map[string]*traffic
}

// add remembers the figures of a picture. One that was seen before adds nothing.
func (h *history) add(s *control.Status) {
	if h.at == s.At {
		return
	}
	h.at = s.At
	h.opens.add(float64(s.Kernel.OpensPerS))
	kept := make(map[string]*traffic, len(s.Services))
	for i := range s.Services[:min(len(s.Services), mostRemembered)] {
		svc := &s.Services[i]
		t := h.services[svc.Name]
		if t == nil {
			t = new(traffic)
		}
		t.held.add(float64(svc.Held))
		t.opened.add(opened(svc))
		t.syns.add(syns(svc))
		kept[svc.Name] = t
	}
	h.services = kept
}

// gap remembers that nothing was answered.
func (h *history) gap() {
	h.opens.add(math.NaN())
	for _, t := range h.services {
		t.held.add(math.NaN())
		t.opened.add(math.NaN())
		t.syns.add(math.NaN())
	}
}

// of returns what is remembered of a service; never nil.
func (h *history) of(service string) *traffic {
	if t := h.services[service]; t != nil {
		return t
	}
	return new(traffic)
}

// opened is how many connections end a second, which is how many were opened; not a number: not counted now.
func opened(s *control.Service) float64 {
	if s.Endings == nil {
		return math.NaN()
	}
	return float64(s.Endings.PerS)
}

// syns is how many SYNs the meter counts a second; not a number: there is none now.
func syns(s *control.Service) float64 {
	if s.SYNs == nil {
		return math.NaN()
	}
	return float64(s.SYNs.PerS)
}
