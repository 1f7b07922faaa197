// Command shop is the server that the tests of the installed package attack: it runs as a service inside
// their machine, serves HTTP at the address it is given, and is told by signals to hang (SIGUSR1), to go on
// (SIGUSR2) and to end (SIGTERM).
package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"ebbgate/internal/lab"
)

const (
	capacity = 2000 // connections at once
	backlog  = 32   // short, so that one that hangs is soon full
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

func run(args []string) (err error) {
	if len(args) != 1 {
		return errors.New("usage: shop ADDRESS:PORT")
	}
	at, err := netip.ParseAddrPort(args[0])
	if err != nil {
		return fmt.Errorf("read the address: %w", err)
	}
	here, leave, err := lab.Here("shop")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave()) }()
	orders := make(chan os.Signal, 8) // what comes while so many wait is lost
	signal.Notify(orders, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM)
	server, err := lab.StartServer(context.Background(), here,
		lab.ServerConfig{Listen: []netip.AddrPort{at}, Capacity: capacity, Backlog: backlog})
	if err != nil {
		return err
	}
	return obey(server, orders)
}

// obey does what the signals say until one ends the server.
func obey(server *lab.Server, orders <-chan os.Signal) error {
	for order := range orders {
		switch order {
		case syscall.SIGUSR1:
			server.Stall()
		case syscall.SIGUSR2:
			server.Resume()
		default:
			return server.Stop()
		}
	}
	return nil
}
