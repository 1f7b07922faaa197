// Command cmd compares defences, for those who work on ebbgate: make compare, make rates.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"ebbgate/internal/compare"
)

// serveArgument makes the program the server that is attacked.
const serveArgument = "serve"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	// It comes for every connection that is cut.
	signal.Ignore(syscall.SIGPIPE)
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		if errors.Is(err, errUsage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// errUsage matches what is the caller's mistake.
var errUsage = errors.New("usage")

func run(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == serveArgument {
		return compare.Serve(ctx, os.Stdin, os.Stdout)
	}
	o := compare.Options{Log: os.Stderr, Serve: func() *exec.Cmd { return exec.Command("/proc/self/exe", serveArgument) }}
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	rates := flags.Bool("rates", false, "measure packet rates instead of attacks")
	flags.StringVar(&o.Kind, "kind", "", "one `kind` of attack only")
	flags.StringVar(&o.Defence, "defence", "", "one `defence` only")
	flags.StringVar(&o.Program, "program", "bin/ebbgate", "the ebbgate to compare")
	flags.IntVar(&o.SYNRate, "syns", 100_000, "SYNs a second of the SYN floods")
	flags.IntVar(&o.Rounds, "rounds", 1, "medians of so many; packet rates: at least 5")
	flags.DurationVar(&o.Calm, "calm", 2500*time.Millisecond, "before the attack")
	flags.DurationVar(&o.Attack, "attack", 10*time.Second, "how long the attack lasts")
	flags.DurationVar(&o.Patience, "patience", 15*time.Second, "how long to wait until nothing is left of it")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil || flags.NArg() > 0 {
		return errors.Join(errUsage, err)
	}
	if *rates {
		return printRates(ctx, o.Rounds, *asJSON)
	}
	results, err := compare.Compare(ctx, o)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(results)
	}
	return compare.Table(os.Stdout, results)
}

func printJSON(what any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(what)
}

// fewestRounds is how many rounds packet rates are measured in at least.
const fewestRounds = 5

func printRates(ctx context.Context, rounds int, asJSON bool) error {
	rates, err := compare.Rates(ctx, compare.RateOptions{Rounds: max(rounds, fewestRounds), Each: 500 * time.Millisecond})
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(rates)
	}
	return compare.RateTable(os.Stdout, rates)
}
