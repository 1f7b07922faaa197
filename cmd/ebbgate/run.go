package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"ebbgate/control"
	"ebbgate/daemon"
	"ebbgate/enforcer"
	"ebbgate/internal/boottime"
	"ebbgate/observer"
	"ebbgate/policy"
	"ebbgate/systemd"
)

// defaultPolicy is where the package puts the policy.
const defaultPolicy = "/etc/ebbgate/config.toml"

func runCommand() *cobra.Command {
	var path string
	var verbose bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon in the foreground",
		Long: `Run the daemon in the foreground; systemd starts it this way. SIGHUP loads the policy
again, and a bad policy changes nothing. SIGTERM or SIGINT ends it, and the table with it.
Exits 0 after a clean stop, 1 on a failure, 2 on a bad policy.`,
		Example: "  ebbgate run --config /etc/ebbgate/config.toml",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return run(c.Context(), path, verbose, c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&path, "config", defaultPolicy, "the policy file")
	c.Flags().BoolVar(&verbose, "verbose", false, "log more")
	return c
}

// run reads the policy before anything else, so that a bad one changes nothing, and then takes
// what it needs in the order in which a failure leaves the least behind.
func run(ctx context.Context, path string, verbose bool, stderr io.Writer) error {
	p, err := daemon.ReadPolicy(path)
	if err != nil {
		return exitWith(exitUsage, err)
	}
	if err := permitted(); err != nil {
		return exitWith(exitRuntime, err)
	}
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	log := slog.New(systemd.LogHandler(stderr, level))
	for _, w := range p.Warnings() {
		log.Warn("policy", "warning", w)
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx, p, path, log); err != nil {
		return exitWith(exitRuntime, err)
	}
	return nil
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

// serve constructs the parts and runs them until ctx is cancelled.
func serve(ctx context.Context, p *policy.Policy, path string, log *slog.Logger) (err error) {
	closing := func(what string, close func() error) {
		if cerr := close(); cerr != nil {
			err = errors.Join(err, fmt.Errorf("close %s: %w", what, cerr))
		}
	}
	socket, err := control.Listen(p.Control.Socket, p.Control.ViewGroup)
	if err != nil {
		return err
	}
	served := false
	defer func() {
		// The server closes the socket at its end; without one it is ours to close.
		if !served {
			closing("control socket", socket.Close)
		}
	}()
	if w := socket.Warning(); w != "" {
		log.Warn("control socket", "warning", w)
	}
	table, err := enforcer.Open()
	if err != nil {
		return err
	}
	defer closing("table", table.Close)
	closer, err := enforcer.OpenCloser()
	if err != nil {
		return err
	}
	defer closing("closer", closer.Close)
	watcher, err := observer.Open(log)
	if err != nil {
		return err
	}
	defer closing("observer", watcher.Close)
	notifier, err := systemd.NewNotifier()
	if err != nil {
		return err
	}
	server := control.NewServer(socket, log)
	served = true
	d := daemon.New(daemon.Config{
		PolicyPath: path, Policy: p, Version: versionText(), Log: log,
		Watcher: watcher, Rules: table, Closer: closer, Publisher: server, Manager: notifier,
		Now: boottime.Now, Wall: time.Now, Reload: reloads(ctx),
	})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Run(ctx) })
	group.Go(func() error { return d.Run(ctx) })
	return group.Wait()
}

// reloads turns SIGHUP into values of a channel. Signals that come while one waits add nothing.
func reloads(ctx context.Context) <-chan struct{} {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	out := make(chan struct{}, 1)
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				select {
				case out <- struct{}{}:
				default:
				}
			}
		}
	}()
	return out
}
