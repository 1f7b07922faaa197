package observer

import (
	"errors"
	"fmt"
	"strings"

	"ebbgate/policy"
)

// The files behind policy.Counters.
const (
	snmpPath       = "/proc/thread-self/net/snmp"
	netstatPath    = "/proc/thread-self/net/netstat"
	synCookiesPath = "/proc/sys/net/ipv4/tcp_syncookies"
	ctCountPath    = "/proc/sys/net/netfilter/nf_conntrack_count"
	ctMaxPath      = "/proc/sys/net/netfilter/nf_conntrack_max"
)

// Places in counterReader.want. Those of snmp are older than any kernel this runs on, and their
// absence makes the counters invalid; the others may be missing.
const (
	currEstab = iota
	passiveOpens
	attemptFails
	listenOverflows
	listenDrops
	cookiesSent
	cookiesValid
	cookiesFailed
	queueFullDrops
	columnCount

	netstatColumns = listenOverflows // the first that is in netstat
)

// counterReader reads policy.Counters.
type counterReader struct {
	snmp, netstat    *procFile
	synCookies       *procFile // nil: this kernel has none
	ctCount, ctMax   *procFile // nil: not open, maybe not there yet
	want             [columnCount]column
	reported         string // the missing columns last named in a Fault
	synCookieUnknown bool   // a Fault has said why
}

func (r *counterReader) open() error {
	r.want = [columnCount]column{
		currEstab:       {table: "Tcp", name: "CurrEstab"},
		passiveOpens:    {table: "Tcp", name: "PassiveOpens"},
		attemptFails:    {table: "Tcp", name: "AttemptFails"},
		listenOverflows: {table: "TcpExt", name: "ListenOverflows"},
		listenDrops:     {table: "TcpExt", name: "ListenDrops"},
		cookiesSent:     {table: "TcpExt", name: "SyncookiesSent"},
		cookiesValid:    {table: "TcpExt", name: "SyncookiesRecv"},
		cookiesFailed:   {table: "TcpExt", name: "SyncookiesFailed"},
		queueFullDrops:  {table: "TcpExt", name: "TCPReqQFullDrop"},
	}
	var err error
	if r.snmp, err = openProcFile(snmpPath); err != nil {
		return err
	}
	if r.netstat, err = openProcFile(netstatPath); err != nil {
		return err
	}
	if r.synCookies, err = openProcFile(synCookiesPath); err != nil && !absent(err) {
		return err
	}
	return nil
}

func (r *counterReader) close() error {
	return errors.Join(r.snmp.close(), r.netstat.close(), r.synCookies.close(), r.ctCount.close(), r.ctMax.close())
}

// read returns the counters and what could not be read of them.
func (r *counterReader) read() (policy.Counters, []policy.Fault) {
	c := policy.Counters{SynCookies: -1}
	var faults []policy.Fault
	fault := func(part string, err error) {
		if err != nil {
			faults = append(faults, policy.Fault{Part: part, Text: err.Error()})
		}
	}
	err := r.readColumns()
	if err == nil {
		c = r.counters()
		fault("counters", r.missing())
	}
	fault("counters", err)
	fault("syncookies", r.readSynCookies(&c))
	fault("conntrack", r.readConntrack(&c))
	return c, faults
}

// readColumns fills want. It fails unless every column of snmp is there.
func (r *counterReader) readColumns() error {
	b, err := r.snmp.read()
	if err != nil {
		return err
	}
	old := r.want[:netstatColumns]
	if err := readColumns(b, old); err != nil {
		return fmt.Errorf("read %s: %w", snmpPath, err)
	}
	for _, c := range old {
		if !c.found {
			return fmt.Errorf("read %s: no column %s in table %s", snmpPath, c.name, c.table)
		}
	}
	if b, err = r.netstat.read(); err != nil {
		return err
	}
	if err := readColumns(b, r.want[netstatColumns:]); err != nil {
		return fmt.Errorf("read %s: %w", netstatPath, err)
	}
	return nil
}

// counters builds valid Counters from want.
func (r *counterReader) counters() policy.Counters {
	return policy.Counters{
		Valid:           true,
		CurrEstab:       r.want[currEstab].value,
		PassiveOpens:    r.want[passiveOpens].value,
		AttemptFails:    r.want[attemptFails].value,
		ListenOverflows: r.want[listenOverflows].value,
		ListenDrops:     r.want[listenDrops].value,
		CookiesSent:     r.want[cookiesSent].value,
		CookiesValid:    r.want[cookiesValid].value,
		CookiesFailed:   r.want[cookiesFailed].value,
		QueueFullDrops:  r.want[queueFullDrops].value,
		SynCookies:      -1,
	}
}

// missing names the columns this kernel does not have, once for as long as they are the same.
func (r *counterReader) missing() error {
	var names []string
	for _, c := range r.want {
		if !c.found {
			names = append(names, c.name)
		}
	}
	list := strings.Join(names, ", ")
	if list == r.reported {
		return nil
	}
	r.reported = list
	if list == "" {
		return nil
	}
	return fmt.Errorf("read %s: this kernel does not count %s; what depends on them stays unseen", netstatPath, list)
}

// readSynCookies reads the setting. A kernel without SYN cookies is reported once.
func (r *counterReader) readSynCookies(c *policy.Counters) error {
	if r.synCookies == nil {
		if r.synCookieUnknown {
			return nil
		}
		r.synCookieUnknown = true
		return fmt.Errorf("read %s: this kernel has no SYN cookies (CONFIG_SYN_COOKIES)", synCookiesPath)
	}
	n, err := r.synCookies.readUint()
	if err != nil {
		return err
	}
	if n > 2 {
		return fmt.Errorf("read %s: %d is none of 0, 1, 2", synCookiesPath, n)
	}
	c.SynCookies = int(n)
	return nil
}

// readConntrack reads how full the table is. Its files come and go with the kernel module, which
// a rule of anybody's may load at any time, so that their absence is no fault.
func (r *counterReader) readConntrack(c *policy.Counters) error {
	count, err := readOptional(&r.ctCount, ctCountPath)
	if err != nil {
		return err
	}
	limit, err := readOptional(&r.ctMax, ctMaxPath)
	if err != nil || limit == 0 {
		return err
	}
	c.ConntrackCount, c.ConntrackMax = count, limit
	return nil
}

// readOptional reads a sysctl, opening it if it is not open. It is 0 while it does not exist.
func readOptional(f **procFile, path string) (uint64, error) {
	if *f == nil {
		opened, err := openProcFile(path)
		if absent(err) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		*f = opened
	}
	n, err := (*f).readUint()
	if absent(err) { // the module was unloaded under our descriptor
		err = (*f).close()
		*f = nil
	}
	return n, err
}
