package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"ebbgate/internal/survey"
)

// selectFlags are the flags by which census and close narrow what they look at.
type selectFlags struct {
	ports   wordList
	states  wordList
	sources wordList
}

func (s *selectFlags) add(f *pflag.FlagSet) {
	f.Var(&s.ports, "port", "only these local `PORTS`, like 80,443,8000-8010")
	f.Var(&s.states, "state", "only these `STATES`, like established,close-wait, as ss or netstat name them")
	f.Var(&s.sources, "source", "only peers with the address `ADDR`, or in this prefix; can be repeated")
}

// wordList is the value of a flag that takes words with commas between them and can be repeated.
// It keeps empty words, unlike the lists of pflag, so that they can be refused.
type wordList []string

// String joins the words.
func (l *wordList) String() string { return strings.Join(*l, ",") }

// Set adds words.
func (l *wordList) Set(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		*l = append(*l, strings.TrimSpace(word))
	}
	return nil
}

// Type is what the help calls such a value.
func (l *wordList) Type() string { return "strings" }

// words are those that are not empty.
func (l wordList) words() []string {
	return slices.DeleteFunc(slices.Clone(l), func(word string) bool { return word == "" })
}

// refuseEmpty names the flags that were given a value that names nothing, as "$X" is where X is not
// set. To take them for not given would look at, or cut, far more than was meant.
func refuseEmpty(f *pflag.FlagSet) error {
	var errs []error
	f.Visit(func(flag *pflag.Flag) {
		empty := flag.Value.Type() == "string" && strings.TrimSpace(flag.Value.String()) == ""
		if list, ok := flag.Value.(*wordList); ok {
			empty = slices.Contains(*list, "")
		}
		if empty {
			errs = append(errs, fmt.Errorf("--%s \"\": names nothing, must be %s", flag.Name, wanted(flag.Name)))
		}
	})
	return errors.Join(errs...)
}

// wanted says what a flag of that name takes.
func wanted(flag string) string {
	switch flag {
	case "port":
		return "ports like 443 or 8000-8010"
	case "state":
		return "states like established or close-wait"
	case "source":
		return "an address or a prefix like 192.0.2.0/24"
	case "service":
		return "a service of the policy"
	case "group":
		return "prefix lengths like 24,64"
	case "config":
		return "the file of a policy"
	case "fail-on":
		return failOnWords
	}
	return "a value"
}

// parse reads the flags and names every one that is wrong.
func (s *selectFlags) parse() (survey.Selection, error) {
	var sel survey.Selection
	var errs []error
	for _, text := range s.ports.words() {
		ports, err := survey.ParsePorts(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--port %w", err))
		}
		sel.Ports = append(sel.Ports, ports...)
	}
	for _, text := range s.states.words() {
		states, err := survey.ParseStates(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--state %w", err))
		}
		sel.States |= states
	}
	for _, text := range s.sources.words() {
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
