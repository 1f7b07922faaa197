package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

func (c *counted) writeLeaks(p *printer) {
	l := c.CloseWait
	if l == nil || l.Leaked == 0 {
		return
	}
	p.line("")
	p.text("%d of %d in CLOSE_WAIT have been there for %s or longer. The peer has closed, the application has not: each holds a descriptor until it does.",
		l.Leaked, l.Sockets, lengthText(time.Duration(l.LeakAfter)))
	g := grid{head: []string{"PROCESS", ">SOCKETS", "CONNECTIONS", ">OLDEST", "FILES", "WHY"}}
	for i := range l.Groups {
		e := &l.Groups[i]
		where := "to port " + strconv.Itoa(e.Port)
		if e.Direction == "out" {
			where = "out to " + e.Remote
		}
		files := ""
		if e.Process != nil {
			files = fileWords(e.Process, "", "")
		}
		g.add(e.who(), strconv.Itoa(e.Sockets), where, lengthText(time.Duration(e.Oldest)), files, e.why())
	}
	g.write(p)
	if n := l.GroupsTotal - len(l.Groups); n > 0 {
		p.line("and %s", number(n, "other group", "other groups"))
	}
	if l.Beyond > 0 {
		p.line("%d more whose process was not looked for.", l.Beyond)
	}
}

// who names the processes of a group.
func (e *countedLeak) who() string {
	switch {
	case e.Process == nil:
		return holders(nil, e.UID)
	case e.Processes > 1:
		return fmt.Sprintf("%s (%d processes)%s", e.Process.Name, e.Processes, e.Process.unitWords())
	}
	return e.Process.words()
}

// why says what the application fails to do, by what most of the sockets show.
func (e *countedLeak) why() string {
	switch closed := e.Sockets - e.Unread - e.NotAccepted; max(closed, e.Unread, e.NotAccepted) {
	case closed:
		return "read to the end, never closed"
	case e.Unread:
		return "never read to the end"
	}
	return "never accepted"
}

func (q *countedQueues) write(p *printer) {
	if len(q.Listeners) > 0 {
		g := grid{head: []string{"LISTENER", ">TO ACCEPT", ">BACKLOG", "PROCESS"}}
		for i := range q.Listeners {
			l := &q.Listeners[i]
			g.add(l.Local.String(), strconv.Itoa(l.Queue), strconv.Itoa(l.Backlog), holders(l.Processes, l.UID))
		}
		g.write(p)
		p.line("")
	}
	if q.Total == 0 {
		p.line("No connection has anything in its receive or send queue.")
		return
	}
	p.text("%s with something in a queue: %d bytes not read by the application, %d not acknowledged by the peer.",
		number(q.Total, "connection", "connections"), q.Receive, q.Send)
	writeList(p, q.Connections, []string{"STATE", ">IDLE", ">RECV-Q", ">SEND-Q"}, func(c *countedConnection) []string {
		return []string{c.State, lengthText(time.Duration(c.Idle)), strconv.Itoa(int(c.Receive)), strconv.Itoa(int(c.Send))}
	})
}

func (i *countedIdle) write(p *printer) {
	age := lengthText(time.Duration(i.Age))
	if i.Total == 0 {
		p.line("None of %s has been idle for %s.", number(i.Established, "established connection", "established connections"), age)
		return
	}
	keepalive := "All have keepalive, or data under way."
	if i.NoKeepalive > 0 {
		keepalive = fmt.Sprintf("%d without keepalive: if their peer is gone, nothing will ever notice.", i.NoKeepalive)
	}
	p.text("%d of %s had no data either way for %s or longer. %s",
		i.Total, number(i.Established, "established connection", "established connections"), age, keepalive)
	writeList(p, i.Connections, []string{">IDLE", "KEEPALIVE", ">RECV-Q", ">SEND-Q"}, func(c *countedConnection) []string {
		return []string{lengthText(time.Duration(c.Idle)), c.keepaliveWords(), strconv.Itoa(int(c.Receive)), strconv.Itoa(int(c.Send))}
	})
}

// keepaliveWords says more than on or off where there is more.
func (c *countedConnection) keepaliveWords() string {
	switch {
	case c.Waits == "retransmit":
		return fmt.Sprintf("? resent %d", c.Unheard)
	case c.Waits == "zero-window":
		return "? peer full"
	case c.Keepalive == "on" && c.Unheard > 0:
		return fmt.Sprintf("on, %d lost", c.Unheard)
	case c.Keepalive == "unknown":
		return "?"
	}
	return c.Keepalive
}

// writeList prints connections with columns of their own before the addresses and the process. Of
// the local address, which the host knows, only the port is left if both do not fit.
func writeList(p *printer, list []countedConnection, head []string, cells func(*countedConnection) []string) {
	if len(list) == 0 {
		return
	}
	make := func(local func(netip.AddrPort) string) *grid {
		g := &grid{head: append(head[:len(head):len(head)], "LOCAL", "PEER", "PROCESS")}
		for i := range list {
			c := &list[i]
			g.add(append(cells(c), local(c.Local), c.Remote.String(), c.who())...)
		}
		return g
	}
	g := make(netip.AddrPort.String)
	if !g.fits(p.width) {
		g = make(func(a netip.AddrPort) string { return ":" + strconv.Itoa(int(a.Port())) })
	}
	g.write(p)
}

// who names the holder of a connection, or says why it has none.
func (c *countedConnection) who() string {
	switch {
	case len(c.Processes) > 0:
		return holders(c.Processes, c.UID)
	case !c.Accepted:
		return "(not accepted)"
	case c.orphan():
		return "(closed by its process)"
	}
	return holders(nil, c.UID)
}

// orphan reports whether no process can have the connection any more.
func (c *countedConnection) orphan() bool { return c.Inode == 0 }

// namesNobody reports whether a process is missing somewhere that root would see.
func (c *counted) namesNobody() bool {
	var lists [][]countedConnection
	if c.Queues != nil {
		lists = append(lists, c.Queues.Connections)
		for i := range c.Queues.Listeners {
			if len(c.Queues.Listeners[i].Processes) == 0 {
				return true
			}
		}
	}
	if c.Idle != nil {
		lists = append(lists, c.Idle.Connections)
	}
	for _, list := range lists {
		for i := range list {
			if len(list[i].Processes) == 0 && !list[i].orphan() {
				return true
			}
		}
	}
	for i := range c.Services {
		for j := range c.Services[i].Listeners {
			if len(c.Services[i].Listeners[j].Processes) == 0 {
				return true
			}
		}
	}
	if c.CloseWait != nil {
		for i := range c.CloseWait.Groups {
			if c.CloseWait.Groups[i].Process == nil {
				return true
			}
		}
	}
	return false
}
