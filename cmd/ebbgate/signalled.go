package main

import (
	"os"
	"os/signal"
	"syscall"
)

// signalled turns a signal into values of a channel, for as long as the process lives. Signals that come
// while one waits add nothing.
func signalled(s syscall.Signal) <-chan struct{} {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, s)
	out := make(chan struct{}, 1)
	go func() {
		for range signals {
			select {
			case out <- struct{}{}:
			default:
			}
		}
	}()
	return out
}
