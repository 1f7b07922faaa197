package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"ebbgate/control"
)

// soakSample is what the daemon takes up at one moment.
type soakSample struct {
	After       float64 `json:"after_seconds"`
	Resident    float64 `json:"resident_bytes"`
	Heap        float64 `json:"heap_bytes"` // in use, or not yet collected
	Descriptors float64 `json:"descriptors"`
	Goroutines  float64 `json:"goroutines"`
	Elements    float64 `json:"set_elements"` // of all sets of the table
	Conntrack   float64 `json:"conntrack_entries"`
	History     float64 `json:"history_bytes"`
	State       float64 `json:"state_bytes"`      // of all files beside it
	LogLines    float64 `json:"log_lines"`        // in the time since the sample before
	CPU         float64 `json:"cpu_seconds"`      // of the process
	Held        float64 `json:"held_connections"` // by the server
	Faults      float64 `json:"faults"`
}

// soakMissed is the part of the samples that may not be had, as a busy machine may have left no time.
const soakMissed = 0.2

// sampler samples the daemon.
type sampler struct {
	soak    *soak
	every   time.Duration
	samples []soakSample
	missed  int
	lines   int64 // of the log, so far
}

func (s *sampler) loop(over <-chan struct{}) {
	said := time.Now()
	for !pause(s.every, over) {
		one, err := s.take()
		if err != nil {
			s.missed++
			if !s.soak.restarts {
				s.soak.t.Logf("no sample: %v", err)
			}
			continue
		}
		s.samples = append(s.samples, one)
		if time.Since(said) > 10*time.Second {
			said = time.Now()
			s.soak.progress(one)
		}
	}
	if n := len(s.samples); float64(s.missed) > soakMissed*float64(s.missed+n) {
		s.soak.note("%d of %d samples could not be taken", s.missed, s.missed+n)
	}
}

// progress says how it goes.
func (k *soak) progress(one soakSample) {
	totals := k.clients.Totals()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.t.Logf("%5.0fs of %v: %d attacks, %d events; resident %.1f MiB, heap %.1f MiB, %.0f descriptors, %.0f goroutines, %.0f elements, history %.0f KiB, held %.0f; clients %d served, %d not",
		one.After, k.length, k.acts, k.heard, one.Resident/(1<<20), one.Heap/(1<<20), one.Descriptors, one.Goroutines, one.Elements,
		one.History/1024, one.Held, totals.Succeeded, totals.Failed)
}

func (s *sampler) take() (soakSample, error) {
	k := s.soak
	text, err := scrape(k.stage, metricsAt)
	if err != nil {
		return soakSample{}, err
	}
	client := control.Dial(k.socket())
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	status, err := client.Status(ctx)
	if err != nil {
		return soakSample{}, err
	}
	values := metricValues(text)
	one := soakSample{
		After:       time.Since(k.begun).Seconds(),
		Resident:    values["process_resident_memory_bytes"],
		Heap:        values["go_memstats_heap_alloc_bytes"],
		Descriptors: values["process_open_fds"],
		Goroutines:  values["go_goroutines"],
		CPU:         values["process_cpu_seconds_total"],
		Conntrack:   float64(status.Kernel.ConntrackCount),
		Held:        float64(k.server.Counts().Held),
		Faults:      float64(len(status.Faults)),
	}
	for _, set := range status.Table.Sets {
		if set.Elements != nil {
			one.Elements += float64(*set.Elements)
		}
	}
	if one.Resident == 0 || one.Goroutines == 0 || one.Heap == 0 || one.Descriptors == 0 {
		return soakSample{}, fmt.Errorf("the metrics lack a figure: %+v", one)
	}
	return one, s.files(&one)
}

// files adds what is on the disk.
func (s *sampler) files(one *soakSample) error {
	entries, err := os.ReadDir(filepath.Dir(s.soak.history()))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // a file of a moment is none
			one.State += float64(info.Size())
			if e.Name() == filepath.Base(s.soak.history()) {
				one.History = float64(info.Size())
			}
		}
	}
	log, err := os.ReadFile(s.soak.logged())
	lines := int64(bytes.Count(log, []byte("\n")))
	one.LogLines, s.lines = float64(lines-s.lines), lines
	return err
}

// metricValues reads the samples without labels of an answer in the text format.
func metricValues(text string) map[string]float64 {
	values := make(map[string]float64)
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil {
			values[name] = v
		}
	}
	return values
}
