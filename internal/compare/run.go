package compare

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"time"

	"ebbgate/internal/demo"
)

// Options say what is compared.
type Options struct {
	Kind    string // one of demo.Kinds; empty: all
	Defence string // one of Defences; empty: those of a run by default

	Program string           // the ebbgate binary
	Serve   func() *exec.Cmd // a process that calls Serve with its standard input and output
	Log     io.Writer        // where a line for each cell goes when it is done

	SYNRate  int           // SYNs a second of the SYN floods
	Rounds   int           // figures are the medians of so many
	Calm     time.Duration // before the attack
	Attack   time.Duration
	Patience time.Duration // the longest to wait until nothing is left of the attack
}

// cell is one kind of attack against one defence.
type cell struct {
	scene   demo.Scene
	defence Defence
}

// Compare measures every cell, one after the other, and returns the results by kind and defence. When
// ctx is cancelled it ends early, cleans up, and returns ctx's error.
func Compare(ctx context.Context, o Options) ([]Result, error) {
	scenes, err := chooseScenes(o.Kind, o.SYNRate)
	if err != nil {
		return nil, err
	}
	defences, err := chooseDefences(o.Defence)
	if err != nil {
		return nil, err
	}
	rounds := make([][]Result, len(scenes)*len(defences))
	for _, at := range order(len(scenes), len(defences), max(o.Rounds, 1)) {
		c := cell{scenes[at/len(defences)], defences[at%len(defences)]}
		r, err := measure(ctx, &o, c)
		if err != nil {
			return nil, fmt.Errorf("%s against %s: %w", c.scene.Name(), c.defence.Name, err)
		}
		rounds[at] = append(rounds[at], r)
		fmt.Fprintln(o.Log, row(r))
	}
	var results []Result
	for _, of := range rounds {
		results = append(results, merge(of))
	}
	return results, nil
}

// order returns the numbers of the cells in the order in which they are measured. With every kind and
// every round another defence begins, so that none always comes after the same.
func order(kinds, defences, rounds int) []int {
	var list []int
	for round := range rounds {
		for kind := range kinds {
			for i := range defences {
				list = append(list, kind*defences+(i+kind+round)%defences)
			}
		}
	}
	return list
}
