package crowd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Crowd is what Build made. It lasts until Close.
type Crowd struct {
	listeners []*os.File
	workers   []*worker
}

// mostDescriptors bounds the descriptors of one worker, however many RLIMIT_NOFILE allows.
const mostDescriptors = 20_000

// spareDescriptors is what a worker needs beside listeners and connections.
const spareDescriptors = 64

// Build makes the connections in the network namespace of the calling thread and returns when all
// are established. The caller has locked itself to that thread (runtime.LockOSThread) and stays on
// it until Close, since the kernel ends the workers with the thread that started them. As many
// workers connect at a time as there are processors.
//
// It fails as a whole: on any error, and when ctx ends, nothing is left.
func Build(ctx context.Context, c Config) (*Crowd, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("build crowd: %w", err)
	}
	crowd := &Crowd{}
	err := crowd.listen(&c)
	if err == nil {
		err = crowd.fill(ctx, &c)
	}
	if err != nil {
		return nil, fmt.Errorf("build crowd of %d sockets: %w", c.Sockets, errors.Join(err, crowd.Close()))
	}
	return crowd, nil
}

// Close ends the workers and with them all connections, by reset. It returns when they are gone.
func (c *Crowd) Close() error {
	var errs []error
	for _, w := range c.workers {
		w.release()
	}
	for _, w := range c.workers {
		errs = append(errs, w.wait())
	}
	for _, l := range c.listeners {
		errs = append(errs, l.Close())
	}
	c.workers, c.listeners = nil, nil
	return errors.Join(errs...)
}

// Workers returns the process IDs of the workers.
func (c *Crowd) Workers() []int {
	var pids []int
	for _, w := range c.workers {
		pids = append(pids, w.cmd.Process.Pid)
	}
	return pids
}

// fill starts the workers, a few at a time.
func (c *Crowd) fill(ctx context.Context, config *Config) error {
	most, err := perWorker(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		group sync.WaitGroup
		tell  sync.Mutex
		made  atomic.Int64
		turn  = make(chan struct{}, runtime.NumCPU()) // one for each worker that is connecting
	)
	total := config.Sockets / 2
	for from := 0; from < total; from += most {
		turn <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		to := min(from+most, total)
		w, err := startWorker(task{Config: *config, From: from, To: to}, c.listeners)
		if err != nil {
			cancel(err)
			break
		}
		c.workers = append(c.workers, w)
		group.Go(func() {
			defer func() { <-turn }()
			if err := w.ready(ctx); err != nil {
				cancel(err)
				return
			}
			sockets := made.Add(int64(to-from)) * 2
			if config.Progress != nil {
				tell.Lock()
				defer tell.Unlock()
				config.Progress(int(sockets))
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// perWorker returns how many connections a worker holds at most.
func perWorker(c *Config) (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the limit of descriptors: %w", err)
	}
	n := (int(min(limit.Max, mostDescriptors)) - c.Listeners - spareDescriptors) / 2
	if c.WorkerSockets > 0 {
		n = min(n, c.WorkerSockets/2)
	}
	if n < 1 {
		return 0, fmt.Errorf("RLIMIT_NOFILE is %d: no connection fits beside %d listeners", limit.Max, c.Listeners)
	}
	return n, nil
}
