package crowd

import (
	"fmt"
	"net/netip"
)

// Config says how large a crowd is wanted.
type Config struct {
	// Sockets is how many sockets the connections have in all, half of them on the side of the
	// listeners: 2 to 2,000,000, even.
	Sockets int
	// Sources is how many addresses the connections come from, in turn: 1 to 65,000. Every fifth
	// is an IPv6 address, in a /64 of its own.
	Sources int
	// Listeners is how many ports are listened on, from FirstPort on: a multiple of five up to
	// 1,000. Three in five serve IPv4 only, one both families (its IPv4 connections have mapped
	// addresses), one IPv6 only.
	Listeners int
	// WorkerSockets bounds the sockets of one worker; 0 means as many as RLIMIT_NOFILE allows, at
	// most 20,000.
	WorkerSockets int
	// Progress, if not nil, is told after each worker how many sockets there are. It is called
	// from one goroutine at a time.
	Progress func(sockets int) `json:"-"`
}

// FirstPort is the port of the first listener.
const FirstPort = 8000

// Bounds of a Config.
const (
	mostSockets   = 2_000_000
	mostSources   = 65_000
	mostListeners = 1000
)

func (c *Config) check() error {
	if c.Sockets < 2 || c.Sockets > mostSockets || c.Sockets%2 != 0 {
		return fmt.Errorf("%d sockets: an even number from 2 to %d is allowed", c.Sockets, mostSockets)
	}
	if c.Sources < 1 || c.Sources > mostSources {
		return fmt.Errorf("%d sources: 1 to %d are allowed", c.Sources, mostSources)
	}
	if c.Listeners < 5 || c.Listeners > mostListeners || c.Listeners%5 != 0 {
		return fmt.Errorf("%d listeners: a multiple of 5 from 5 to %d is allowed", c.Listeners, mostListeners)
	}
	if c.WorkerSockets < 0 {
		return fmt.Errorf("%d sockets for each worker: give 0 or more", c.WorkerSockets)
	}
	return nil
}

// Server4 and Server6 are the addresses that are connected to. They, and the sources, must be
// local in the namespace: 10.66.0.0/16, 10.77.0.1, 2001:db8:66::/48 and 2001:db8:77::1.
func Server4() netip.Addr { return netip.AddrFrom4([4]byte{10, 77, 0, 1}) }

// Server6 is to IPv6 what Server4 is to IPv4.
func Server6() netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0x77, 15: 1})
}

// serves is what a listener takes.
type serves uint8

const (
	only4 serves = iota
	both
	only6
)

// kind returns what the listener at an index takes.
func kind(listener int) serves {
	switch listener % 5 {
	case 3:
		return both
	case 4:
		return only6
	}
	return only4
}

// Source returns the address of the source at an index.
func Source(i int) netip.Addr {
	n := i + 1
	if i%5 == 4 {
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0x66, byte(n >> 8), byte(n), 15: 1})
	}
	return netip.AddrFrom4([4]byte{10, 66, byte(n >> 8), byte(n)})
}

// pair is the source and the listener of one connection.
type pair struct{ source, listener int }

// pairOf returns the pair of the connection at an index. Each source meets the listeners of its
// family in turn.
func (c *Config) pairOf(connection int) pair {
	source, round := connection%c.Sources, connection/c.Sources
	turn := source/5 + round
	groups := c.Listeners / 5 // of five listeners
	group := turn % groups * 5
	turn /= groups
	if source%5 == 4 {
		return pair{source, group + 3 + turn%2}
	}
	return pair{source, group + turn%4}
}
