package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"ebbgate/internal/survey"
)

// selectFlags are the flags by which census and close narrow what they look at.
type selectFlags struct {
	ports   []string
	states  []string
	sources []string
}

func (s *selectFlags) add(f *pflag.FlagSet) {
	f.StringSliceVar(&s.ports, "port", nil, "only these local ports, like 80,443,8000-8010")
	f.StringSliceVar(&s.states, "state", nil, "only these states, like established,close-wait, as ss or netstat write them")
	f.StringSliceVar(&s.sources, "source", nil, "only peers with this address or in this prefix; can be repeated")
}

// parse reads the flags and names every one that is wrong.
func (s *selectFlags) parse() (survey.Selection, error) {
	var sel survey.Selection
	var errs []error
	for _, text := range s.ports {
		ports, err := survey.ParsePorts(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--port %w", err))
		}
		sel.Ports = append(sel.Ports, ports...)
	}
	for _, text := range s.states {
		states, err := survey.ParseStates(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--state %w", err))
		}
		sel.States |= states
	}
	for _, text := range s.sources {
		source, err := survey.ParseSource(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--source %w", err))
			continue
		}
		sel.Sources = append(sel.Sources, source)
	}
	return sel, errors.Join(errs...)
}

// threadCPU returns the CPU time of the calling thread, the kernel's work for it included; 0 if it
// cannot be read.
func threadCPU() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
