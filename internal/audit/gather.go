package audit

import (
	"cmp"
	"context"
	"os"
	"time"
)

// Options say where Gather looks.
type Options struct {
	Proc   string        // in place of /proc; processes are always looked for in /proc itself
	Root   string        // in place of /, for the sysctl.d files
	Sample time.Duration // between two readings of counters and queues; 0: only one reading
}

// Gather reads the facts of the calling thread's network namespace: /proc/sys/net shows that of
// the thread that opens a file, and /proc/net, which shows that of the process, is not used. A
// goroutine that has entered a namespace must stay locked to its thread. What cannot be read is
// in Facts.Unread; the only error is that of a context that ended.
//
// It costs about a microsecond for each TCP socket of the namespace and each descriptor of the
// host, once.
func Gather(ctx context.Context, o Options) (*Facts, error) {
	proc := procfs(cmp.Or(o.Proc, "/proc"))
	f := &Facts{PageSize: os.Getpagesize()}
	proc.settings(f)
	f.Counters = proc.counters(f)
	began := time.Now()
	proc.sockets(f)
	proc.synProxy(f)
	f.readSockets()
	f.findHolders(ctx)
	f.readChains()
	f.readSettings(cmp.Or(o.Root, "/"))
	if o.Sample > 0 {
		if err := wait(ctx, o.Sample-time.Since(began)); err != nil {
			return nil, err
		}
		again := proc.counters(&Facts{})
		f.Window = time.Since(began)
		f.Recent = difference(f.Counters, again)
		f.readQueues()
	}
	return f, ctx.Err()
}

// difference returns how far counters moved that both readings have.
func difference(before, after map[string]uint64) map[string]uint64 {
	out := make(map[string]uint64, len(after))
	for name, n := range after {
		if b, ok := before[name]; ok && n >= b {
			out[name] = n - b
		}
	}
	return out
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
