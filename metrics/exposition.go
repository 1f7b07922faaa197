package metrics

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"ebbgate/control"
)

// exposition writes out the latest status that was published, once.
type exposition struct {
	latest atomic.Pointer[control.Status]

	mu        sync.Mutex // held while one is written; those who ask meanwhile get the same
	collector *collector
	registry  *prometheus.Registry
	of        *control.Status // what body is of
	body      []byte
	err       error
}

func newExposition() *exposition {
	e := &exposition{collector: newCollector(), registry: prometheus.NewRegistry()}
	e.registry.MustRegister(e.collector, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return e
}

// format is that of expositions: text, which every Prometheus reads.
func format() expfmt.Format { return expfmt.NewFormat(expfmt.TypeTextPlain) }

// text returns the exposition, which must not be changed; nil: there is nothing to tell yet.
func (e *exposition) text() ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if status := e.latest.Load(); status != e.of {
		e.of, e.collector.status = status, status
		e.body, e.err = e.write()
	}
	return e.body, e.err
}

func (e *exposition) write() ([]byte, error) {
	all, err := e.registry.Gather()
	if err != nil {
		return nil, fmt.Errorf("gather metrics: %w", err)
	}
	var b bytes.Buffer
	encoder := expfmt.NewEncoder(&b, format())
	for _, f := range all {
		if err := encoder.Encode(f); err != nil {
			return nil, fmt.Errorf("write metric %s: %w", f.GetName(), err)
		}
	}
	return b.Bytes(), nil
}
