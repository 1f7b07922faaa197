package audit

import (
	"fmt"
	"strconv"
)

// trackInUse reports whether conntrack follows connections here: its settings are there as soon as
// the module is loaded, entries only where a rule asked for them.
func (x *exam) trackInUse() bool {
	n, ok := x.sysctl(conntrackCount)
	return ok && n > 0
}

func checkTrackFill(x *exam) {
	n, ok1 := x.sysctl(conntrackCount)
	most, ok2 := x.sysctl(conntrackMax)
	if !ok1 || !ok2 || most == 0 {
		if !ok1 && !ok2 {
			x.ok(idTrackFill, "conntrack", "not loaded", "No rule follows connections, so no table can fill.")
		}
		return
	}
	f := Finding{ID: idTrackFill, Subject: conntrackMax, Found: fmt.Sprintf("%d of %d entries", n, most)}
	switch share := float64(n) / float64(most); {
	case n == 0:
		x.ok(idTrackFill, f.Subject, f.Found, "Loaded and not in use.")
		return
	case share >= 0.95:
		f.Severity = Critical
		f.Why = "A full conntrack table drops every new connection, whoever opens it."
	case share >= 0.8:
		f.Severity = Warning
		f.Why = "A full conntrack table drops every new connection, whoever opens it. An entry costs about 400 bytes."
	default:
		x.ok(idTrackFill, f.Subject, f.Found, "A rule of the firewall, or of a container engine, follows connections.")
		return
	}
	want := strconv.FormatUint(2*min(most, 1<<30), 10)
	x.adviseHost(f, Assignment{conntrackMax, want}, Assignment{conntrackBucket, want})
}

// adviseHost advises settings that can be changed in the initial network namespace only: elsewhere
// their files are read-only, and a sysctl.d file with them would not load. tcp_mem shows in the
// initial namespace alone and tells which this is.
func (x *exam) adviseHost(f Finding, set ...Assignment) {
	x.advise(f, set...)
	if _, initial := x.sysctl(tcpMem); initial {
		return
	}
	last := &x.found[len(x.found)-1]
	last.Sysctls, last.SetBy = nil, nil
	last.Where = "set it on the host, in the initial network namespace: here it cannot be changed"
}

func checkTrackBuckets(x *exam) {
	most, ok1 := x.sysctl(conntrackMax)
	buckets, ok2 := x.sysctl(conntrackBucket)
	if !ok1 || !ok2 || buckets == 0 || !x.trackInUse() {
		return
	}
	f := Finding{ID: idTrackBuckets, Severity: Advice, Subject: conntrackBucket, Found: fmt.Sprintf("%d for %d entries", buckets, most)}
	if most <= 4*buckets {
		x.ok(idTrackBuckets, f.Subject, f.Found, "Entries are found quickly even when the table is full.")
		return
	}
	f.Why = fmt.Sprintf("In a full table a packet searches chains of %d entries on average. A bucket costs 8 bytes.", most/buckets)
	x.adviseHost(f, Assignment{conntrackBucket, strconv.FormatUint(most, 10)})
}

// enoughSynRecv lets a client answer the fifth repetition of a SYN-ACK, in seconds.
const enoughSynRecv = 32

func checkTrackSynRecv(x *exam) {
	seconds, ok1 := x.sysctl(conntrackSyn)
	most, ok2 := x.sysctl(conntrackMax)
	if !ok1 || !ok2 || seconds == 0 || !x.trackInUse() {
		return
	}
	f := Finding{ID: idTrackSynRecv, Severity: Advice, Subject: conntrackSyn, Found: strconv.FormatUint(seconds, 10)}
	fills := fmt.Sprintf("At %d s a table of %d entries is filled by %d forged SYNs a second, SYN cookies or not.", seconds, most, most/seconds)
	if seconds <= enoughSynRecv {
		x.ok(idTrackSynRecv, f.Subject, f.Found, fills)
		return
	}
	f.Why = fills + " The time counts from the first SYN-ACK; the last of five repetitions is sent 31 s after it."
	x.advise(f, Assignment{conntrackSyn, strconv.Itoa(enoughSynRecv)})
}

// checkTrackLoose asks for 0 only where SYNPROXY is at work. Everywhere else 1 is right: with 0,
// connections that conntrack has not seen begin are lost, for example after a firewall's restart.
// For that price it is left to the operator and never in the sysctl.d file.
func checkTrackLoose(x *exam) {
	loose, ok := x.sysctl(conntrackLoose)
	if !ok || !x.trackInUse() {
		return
	}
	found := strconv.FormatUint(loose, 10)
	if loose == 0 || x.SynProxied == 0 {
		x.ok(idTrackLoose, conntrackLoose, found, "SYNPROXY needs 0; without SYNPROXY 1 keeps connections alive over a restart of the firewall.")
		return
	}
	x.add(Finding{ID: idTrackLoose, Severity: Warning, Subject: conntrackLoose, Found: found, Advised: "0",
		Why:    fmt.Sprintf("SYNPROXY has taken %d SYNs. With 1, conntrack lets the client's ACK pass as a connection of its own and SYNPROXY never sees it: clients hang.", x.SynProxied),
		Where:  "a file in /etc/sysctl.d, by hand: connections that conntrack has not seen begin are invalid from then on, as after a restart of the firewall",
		Verify: "sysctl " + conntrackLoose, Expect: conntrackLoose + " = 0"})
}
