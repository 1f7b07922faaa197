package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// observing reads observations. An observation is a time and words, in sections:
//
//	unread                   the counters could not be read
//	wall=D                   the wall clock is D ahead of the time since boot
//	estab=N tracked=N trackmax=N opens=N fails=N cookies=N valid=N failed=N setting=N dropped=N overflows=N
//	                         the kernel's counters
//	queue=N/MAX              the accept queue of the first service, in this turn alone
//	listen SERVICE N/MAX [at=ADDR:PORT] [unit=UNIT] [ssh] [mss=IPV4/IPV6] ...
//	                         all listeners
//	census[!] SERVICE SOURCE=HELD ... [+N] [closewait=N] [halfopen=N] ...
//	                         a census, with "!" an incomplete one; +N: held by sources it could not keep;
//	                         SOURCE=HELD(ADDR=N): of these, one IPv6 address holds N
//	ends [SPAN] [lost=N] [paused=D] SERVICE SOURCE=N ... [+N] ...
//	                         what ended within a span, which is 1s unless said
//	closed SERVICE SOURCE=N ...
//	                         what we closed since the last turn
//	syns [SERVICE N [over=N] [unmetered=N] [unlisted=N] [completed=N] [provenfull] SOURCE=OVER[(proven)] ...] ...
//	                         readings of SYN meters
//	sessions [root@ADDR] [GROUP,GROUP@ADDR] ...
//	                         all remote logins
//	inherited SERVICE=SOURCEforDURATION ...
//	                         blocks found in the kernel at start, and how long they have left
//	firewall [known] [tracks] [loose] [synproxy]
//	                         what others do with the rules, and what the kernel can
//	tablelost                somebody else removed our table
//	order exempt|unexempt PREFIX [for=D] [service=NAME] [reason=WORD]
//	                         what the operator asks for
//
// Counters, listeners, sessions, the firewall and the clock stay what they were until they are given anew. What
// SOURCE may be says crowd.
type observing struct {
	policy    *Policy
	counters  Counters
	listeners []Listener
	sessions  []Session
	firewall  Firewall
	ahead     time.Duration

	o       Observation
	unread  bool
	section string
	service int // index of the one the section is at, in the list it fills; -1: none yet
}

// begin starts an observation at a time.
func (r *observing) begin(rest string) error {
	when, rest, _ := strings.Cut(rest, " ")
	at, err := time.ParseDuration(when)
	if err != nil {
		return err
	}
	r.o, r.unread, r.section = Observation{At: Instant(at), Listeners: slices.Clone(r.listeners)}, false, ""
	return r.words(rest)
}

// finished returns the observation as read so far.
func (r *observing) finished() Observation {
	o := r.o
	o.Wall = int64(time.Duration(o.At) + r.ahead)
	o.Sessions, o.Firewall = slices.Clone(r.sessions), r.firewall
	if !r.unread {
		o.Counters = r.counters
	}
	ordered(&o)
	return o
}

// words reads words, which begin outside of every section.
func (r *observing) words(rest string) error {
	r.section = ""
	for _, w := range strings.Fields(rest) {
		key, value, _ := strings.Cut(w, "=")
		var err error
		switch {
		case r.open(w):
		case r.section == "":
			err = r.counter(key, value)
		case r.section == "listen":
			err = r.listener(w, key, value)
		case r.section == "census" || r.section == "ends" || r.section == "closed":
			err = r.count(w, key, value)
		case r.section == "syns":
			err = r.meter(w, key, value)
		case r.section == "inherited":
			err = r.inherit(key, value)
		case r.section == "sessions":
			err = r.session(w)
		case r.section == "firewall":
			err = r.neighbour(w)
		default:
			err = r.order(w, key, value)
		}
		if err != nil {
			return fmt.Errorf("word %q: %w", w, err)
		}
	}
	return nil
}

// open begins a section, if the word does.
func (r *observing) open(w string) bool {
	o := &r.o
	switch w {
	case "listen":
		r.listeners, o.Listeners = nil, nil
	case "census", "census!":
		o.Census = Census{Taken: true, Complete: w == "census", From: o.At}
		for i := range r.policy.Services {
			o.Census.Services = append(o.Census.Services, ServiceCensus{Service: r.policy.Services[i].Name})
		}
		w = "census"
	case "ends":
		o.Endings = Endings{Taken: true, From: o.At.Add(-time.Second), Span: time.Second}
		for i := range r.policy.Services {
			o.Endings.Services = append(o.Endings.Services, ServiceEndings{Service: r.policy.Services[i].Name})
		}
	case "syns":
		o.Metered = true
	case "sessions":
		r.sessions = nil
	case "firewall":
		r.firewall = Firewall{}
	case "order":
		o.Orders = append(o.Orders, Order{})
	case "closed", "inherited":
	default:
		return false
	}
	r.section, r.service = w, -1
	return true
}

func (r *observing) counter(key, value string) error {
	c := map[string]*uint64{"estab": &r.counters.CurrEstab, "tracked": &r.counters.ConntrackCount, "trackmax": &r.counters.ConntrackMax, "opens": &r.counters.PassiveOpens,
		"fails": &r.counters.AttemptFails, "cookies": &r.counters.CookiesSent, "valid": &r.counters.CookiesValid,
		"failed": &r.counters.CookiesFailed, "dropped": &r.counters.QueueFullDrops, "overflows": &r.counters.ListenOverflows}[key]
	var err error
	switch {
	case key == "tablelost":
		r.o.TableLost = true
	case c != nil:
		*c = number(value)
	case key == "unread":
		r.unread = true
	case key == "setting":
		r.counters.SynCookies = int(number(value))
	case key == "wall":
		r.ahead, err = time.ParseDuration(value)
	case key == "queue":
		r.o.Listeners = []Listener{{Service: r.policy.Services[0].Name}}
		err = r.o.Listeners[0].queue(value)
	default:
		err = fmt.Errorf("not a counter")
	}
	return err
}

func (l *Listener) queue(value string) error {
	_, err := fmt.Sscanf(value, "%d/%d", &l.Queue, &l.Backlog)
	return err
}

func (r *observing) listener(w, key, value string) error {
	var err error
	svc := r.policy.Service(w)
	l := &Listener{}
	if n := len(r.listeners); n > 0 {
		l = &r.listeners[n-1]
	}
	switch {
	case svc != nil:
		r.listeners = append(r.listeners, Listener{Service: w, Local: netip.AddrPortFrom(netip.IPv6Unspecified(), svc.Ports[0].First)})
	case key == "at":
		l.Local, err = netip.ParseAddrPort(value)
	case key == "unit":
		l.Unit = value
	case w == "ssh":
		l.SSH = true
	case key == "mss":
		_, err = fmt.Sscanf(value, "%d/%d", &l.MSS4, &l.MSS6)
	default:
		err = l.queue(w)
	}
	r.o.Listeners = slices.Clone(r.listeners)
	return err
}

func (r *observing) neighbour(w string) error {
	flag := map[string]*bool{"known": &r.firewall.Known, "tracks": &r.firewall.Tracks, "loose": &r.firewall.Loose,
		"synproxy": &r.firewall.Synproxy}[w]
	if flag == nil {
		return fmt.Errorf("not part of a firewall")
	}
	*flag = true
	return nil
}

func (r *observing) session(w string) error {
	who, from, _ := strings.Cut(w, "@")
	addr, err := netip.ParseAddr(from)
	s := Session{From: addr, Root: who == "root"}
	if !s.Root {
		s.Groups = strings.Split(who, ",")
		slices.Sort(s.Groups)
	}
	r.sessions = append(r.sessions, s)
	return err
}

func (r *observing) inherit(service, value string) error {
	source, left, _ := strings.Cut(value, "for")
	p, err := netip.ParsePrefix(source)
	if err != nil {
		return err
	}
	d, err := time.ParseDuration(left)
	r.o.Inherited = append(r.o.Inherited, Inherited{Service: service, Source: p, Until: r.o.At.Add(d)})
	return err
}

func (r *observing) order(w, key, value string) error {
	var err error
	order := &r.o.Orders[len(r.o.Orders)-1]
	if order.Kind != "" && order.Kind != OrderExempt && order.Kind != OrderUnexempt {
		return r.hand(order, w, key, value)
	}
	e := &order.Exemption
	switch {
	case order.Kind == "":
		order.Kind = OrderKind(w)
		if order.Kind == OrderExempt {
			e.Since = r.o.At
		}
	case !e.Prefix.IsValid():
		e.Prefix, err = netip.ParsePrefix(w)
	case key == "for":
		var d time.Duration
		d, err = time.ParseDuration(value)
		e.Until = r.o.At.Add(d)
	case key == "service":
		e.Service = value
	case key == "reason":
		e.Reason = value
	default:
		err = fmt.Errorf("not part of an order")
	}
	return err
}

// hand reads an order about blocks or modes.
func (r *observing) hand(order *Order, w, key, value string) error {
	var err error
	var until Instant
	switch {
	case key == "for":
		var d time.Duration
		d, err = time.ParseDuration(value)
		until = r.o.At.Add(d)
		order.Block.Until, order.Mode.Until = until, until
	case key == "service":
		order.Block.Service, order.Mode.Service = value, value
	case key == "reason":
		order.Block.Note = value
	case order.Kind == OrderMode:
		order.Mode.Since = r.o.At
		err = order.Mode.Mode.UnmarshalText([]byte(w))
	case order.Kind == OrderBlock || order.Kind == OrderUnblock:
		order.Block.Source, err = netip.ParsePrefix(w)
	default:
		err = fmt.Errorf("not part of an order")
	}
	return err
}

func number(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}
