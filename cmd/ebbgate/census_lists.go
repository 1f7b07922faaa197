package main

import (
	"net/netip"
	"time"

	"ebbgate/control"
	"ebbgate/internal/survey"
)

// countedQueues are the sockets that wait for somebody.
type countedQueues struct {
	Listeners   []countedListener   `json:"listeners"`
	Total       int                 `json:"total"`         // connections with bytes in a queue
	Receive     uint64              `json:"receive_bytes"` // of all of them
	Send        uint64              `json:"send_bytes"`    // of all of them
	Connections []countedConnection `json:"connections"`   // the largest, as many as --top asks for
}

// countedIdle are the connections nobody uses.
type countedIdle struct {
	Age         control.Duration    `json:"age"`          // seconds without data that were asked for
	Established int                 `json:"established"`  // connections looked at
	Total       int                 `json:"total"`        // of these, idle
	NoKeepalive int                 `json:"no_keepalive"` // of the idle
	Connections []countedConnection `json:"connections"`  // idle longest, as many as --top asks for
}

// countedConnection is one connection of a list.
type countedConnection struct {
	State     string           `json:"state"`
	Direction string           `json:"direction"` // "in": through a listener of this host; "out"
	Local     netip.AddrPort   `json:"local"`
	Remote    netip.AddrPort   `json:"remote"`
	Receive   uint32           `json:"receive_queue"`      // bytes the application has not read
	Send      uint32           `json:"send_queue"`         // bytes the peer has not acknowledged
	Idle      control.Duration `json:"idle"`               // seconds
	Keepalive string           `json:"keepalive"`          // "on", "off" or "unknown"
	Unheard   int              `json:"unanswered"`         // probes or retransmissions
	Waits     string           `json:"sending,omitempty"`  // "retransmit" or "zero-window"
	Accepted  bool             `json:"accepted"`           // false: in the accept queue
	UID       uint32           `json:"uid"`                // owner
	Inode     uint32           `json:"inode"`              // 0: no process holds it
	Processes []countedProcess `json:"processes,omitzero"` // absent: not looked for
}

func newConnections(list []survey.Connection) []countedConnection {
	out := make([]countedConnection, 0, len(list))
	for i := range list {
		c := &list[i]
		n := countedConnection{State: c.State.String(), Direction: "in", Local: c.Local, Remote: c.Remote, Receive: c.Receive, Send: c.Send,
			Idle: control.Duration(c.Idle.Truncate(time.Millisecond)), Keepalive: string(c.Keepalive), Unheard: c.Unheard, Waits: c.Waits,
			Accepted: c.Accepted(), UID: c.UID, Inode: c.Inode, Processes: newProcesses(c.Holders)}
		if !c.Inbound {
			n.Direction = "out"
		}
		out = append(out, n)
	}
	return out
}

func (c *counted) addQueues(q *survey.Queues) {
	if q == nil {
		return
	}
	c.Queues = &countedQueues{Listeners: []countedListener{}, Total: q.Total, Receive: q.Receive, Send: q.Send, Connections: newConnections(q.Connections)}
	for i := range q.Listeners {
		c.Queues.Listeners = append(c.Queues.Listeners, newListener(&q.Listeners[i]))
	}
}

func (c *counted) addIdle(i *survey.Idle, age time.Duration) {
	if i == nil {
		return
	}
	c.Idle = &countedIdle{Age: control.Duration(age), Established: i.Established, Total: i.Total, NoKeepalive: i.NoKeepalive,
		Connections: newConnections(i.Connections)}
}
