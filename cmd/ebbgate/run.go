package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"ebbgate/control"
	"ebbgate/daemon"
	"ebbgate/enforcer"
	"ebbgate/internal/boottime"
	"ebbgate/metrics"
	"ebbgate/observer"
	"ebbgate/recording"
	"ebbgate/systemd"
)

// defaultPolicy is where the package puts the policy.
const defaultPolicy = "/etc/ebbgate/config.toml"

func runCommand() *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon in the foreground",
		Long: `Run the daemon in the foreground; systemd starts it this way. SIGHUP loads the policy
again, as ebbgate reload does, and a bad policy changes nothing. SIGTERM or SIGINT ends
it, and the table with it.
Exits 0 after a clean stop, 1 on a failure, 2 on a bad policy; a file that cannot be read is a
failure.`,
		Example: "  ebbgate run --config /etc/ebbgate/config.toml",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return run(c.Context(), o, c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&o.policy, "config", defaultPolicy, "the policy `FILE`")
	c.Flags().StringVar(&o.record, "record", "", "record everything seen and decided to this `FILE`, for ebbgate replay")
	c.Flags().BoolVar(&o.verbose, "verbose", false, "log more")
	return c
}

// runOptions are the flags of run.
type runOptions struct {
	policy  string
	record  string
	verbose bool
}

// run takes what an earlier run has left before anything can fail, reads the policy before anything is
// changed, and then takes what it needs in the order in which a failure leaves the least behind.
func run(ctx context.Context, o runOptions, stderr io.Writer) error {
	// A journal that has gone makes stderr a broken pipe: a message nobody reads is no reason to end, and to
	// systemd that end would be a clean one.
	signal.Ignore(syscall.SIGPIPE)
	// Without a handler, SIGHUP would end the process.
	reload := signalled(syscall.SIGHUP)
	level := slog.LevelInfo
	if o.verbose {
		level = slog.LevelDebug
	}
	handler, flush := systemd.LogHandler(stderr, level)
	defer flush()
	log := slog.New(handler)
	notifier, err := systemd.NewNotifier()
	if err != nil {
		return exitWith(exitRuntime, err)
	}
	stored := takeStored(notifier, log)
	p, src, err := daemon.ReadPolicy(o.policy)
	if err != nil {
		return exitWith(unreadStatus(err), daemon.HowToRead(o.policy, err))
	}
	if err := permitted(); err != nil {
		return exitWith(exitRuntime, err)
	}
	for _, w := range p.Warnings() {
		log.Warn("policy", "warning", w)
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config := daemon.Config{PolicyPath: o.policy, Policy: p, Source: src, Version: versionText(), Log: log,
		Now: boottime.Now, Wall: time.Now, Reload: reload}
	if err := serve(ctx, config, left{notifier, stored}, o.record); err != nil {
		return exitWith(exitRuntime, err)
	}
	return nil
}

// unreadStatus is how run ends without a policy. A bad one stays bad until somebody edits it, and the
// service manager is told not to try again. A file that could not be read may be there, or be readable,
// a moment later: somebody may be about to put it in place.
func unreadStatus(err error) int {
	var file *fs.PathError
	if errors.As(err, &file) {
		return exitRuntime
	}
	return exitUsage
}

// permitted says what is missing before anything is touched.
func permitted() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	if data[0].Effective&(1<<unix.CAP_NET_ADMIN) == 0 {
		return errors.New("not permitted to change the kernel's rules: run ebbgate as root, or give it the capability CAP_NET_ADMIN")
	}
	return nil
}

// left is the service manager and what it had in store.
type left struct {
	notifier *systemd.Notifier
	table    int // the socket of an earlier run; -1: none
}

// serve constructs the parts and runs them until ctx is cancelled.
func serve(ctx context.Context, c daemon.Config, from left, record string) (err error) {
	var open opened
	defer func() { err = errors.Join(err, open.close()) }()
	socket, err := control.Listen(c.Policy.Control.Socket, c.Policy.Control.ViewGroup)
	if err != nil {
		return err
	}
	server := control.NewServer(socket, c.Log)
	if w := socket.Warning(); w != "" {
		c.Log.Warn("control socket", "warning", w)
	}
	if at := runtimeSocket(); at != "" {
		if err := socket.Link(at); err != nil {
			c.Log.Warn("control socket", "warning", err)
		}
	}
	if err := construct(&c, &open, from, record); err != nil {
		// The server closes the socket at its end; without a run of it, it is ours to close.
		return errors.Join(err, socket.Close())
	}
	c.Publisher, c.Orders = server, server.Orders()
	remember(&c, &open, server)
	figures := metrics.New(c.Log)
	open.add("metrics", figures.Close)
	c.Metrics = figures
	d := daemon.New(c)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Run(ctx) })
	group.Go(func() error { return d.Run(ctx) })
	return group.Wait()
}

// construct opens what the daemon works with.
func construct(c *daemon.Config, open *opened, from left, record string) error {
	table, err := enforcer.Resume(from.table)
	if err != nil {
		return err
	}
	open.add("table", table.Close)
	closer, err := enforcer.OpenCloser(table)
	if err != nil {
		return err
	}
	open.add("closer", closer.Close)
	watcher, err := observer.Open(c.Log)
	if err != nil {
		return err
	}
	open.add("observer", watcher.Close)
	c.Watcher, c.Rules, c.Closer = watcher, table, closer
	c.Manager = &storing{Notifier: from.notifier, table: table, log: c.Log}
	if record == "" {
		return nil
	}
	recorder, err := recording.Create(recording.Config{Path: record, Version: c.Version})
	if err != nil {
		return err
	}
	open.add("recording", recorder.Close)
	c.Recorder = recorder
	return nil
}

// opened is what has to be closed, last things first.
type opened []struct {
	what  string
	close func() error
}

func (o *opened) add(what string, close func() error) {
	*o = append(*o, struct {
		what  string
		close func() error
	}{what, close})
}

func (o *opened) close() error {
	var errs []error
	for _, x := range slices.Backward(*o) {
		if err := x.close(); err != nil {
			errs = append(errs, fmt.Errorf("close %s: %w", x.what, err))
		}
	}
	return errors.Join(errs...)
}
