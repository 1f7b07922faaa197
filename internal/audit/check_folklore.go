package audit

import (
	"fmt"
	"strconv"
)

// lore is a belief: the setting by which its holder is known, and what is true.
type lore struct {
	id, name string
	// answer returns the finding, less what all of them have in common, or one without Why where
	// the line says nothing false.
	answer func(x *exam, value uint64) Finding
}

func allLore() []lore {
	return []lore{
		{idLoreRecycle, tcpTwRecycle, loreRecycle},
		{idLoreReuse, tcpTwReuse, loreReuse},
		{idLoreBuckets, tcpTwBuckets, loreBuckets},
		{idLoreFin, tcpFinTimeout, loreFin},
		{idLoreKeepalive, tcpKeepTime, loreKeepalive},
		{idLoreSomaxconn, somaxconn, loreSomaxconn},
		{idLoreSynBacklog, tcpSynBacklog, loreSynBacklog},
	}
}

// checkFolklore puts beliefs right that the host's sysctl.d files show somebody to hold.
func checkFolklore(x *exam) {
	for _, l := range allLore() {
		s, ok := x.setting(l.name)
		if !ok {
			continue
		}
		value, err := strconv.ParseUint(s.Value, 10, 64)
		if err != nil {
			continue
		}
		f := l.answer(x, value)
		if f.Why == "" {
			continue
		}
		f.ID, f.Severity, f.Subject, f.Found = l.id, Advice, l.name, "set to "+s.Value
		f.SetBy = []string{fmt.Sprintf("%s:%d", s.File, s.Line)}
		f.Where = f.SetBy[0]
		if f.Verify == "" {
			f.Advised, f.Verify, f.Expect = "remove the line", "grep -n "+l.name+" "+s.File, "nothing"
		}
		x.add(f)
	}
}

func loreRecycle(*exam, uint64) Finding {
	return Finding{Why: "tcp_tw_recycle is gone since Linux 4.12. It broke clients behind NAT, which share an address and not a clock."}
}

func loreReuse(_ *exam, value uint64) Finding {
	if value != 1 {
		return Finding{}
	}
	return Finding{Advised: "keep it only if this host connects out a lot",
		Why:    "tcp_tw_reuse helps clients only: this host's outgoing connections may take over ports in TIME_WAIT. Connections that come in do not use it.",
		Verify: "nstat -az TcpExtTWRecycled", Expect: "how often it helped so far"}
}

func loreBuckets(_ *exam, value uint64) Finding {
	if value >= 32768 {
		return Finding{}
	}
	return Finding{Why: "A low limit does not shorten TIME_WAIT: it ends connections without it, so that late packets can reach a new connection of the same ports."}
}

func loreFin(_ *exam, value uint64) Finding {
	if value >= 60 {
		return Finding{}
	}
	return Finding{Why: "It does not shorten TIME_WAIT, which always lasts 60 s. It is about FIN_WAIT_2: connections the program has closed and the peer has not."}
}

func loreKeepalive(x *exam, _ uint64) Finding {
	on, off := 0, 0
	for i := range x.Listeners {
		if l := &x.Listeners[i]; x.exposed(l) {
			on, off = on+l.KeepaliveOn, off+l.KeepaliveOff
		}
	}
	if off == 0 {
		return Finding{}
	}
	return Finding{Advised: "turn keepalive on in the programs, too",
		Why: fmt.Sprintf("Keepalive does nothing for sockets that do not ask for it: %d of the %d idle connections to this host's listeners have it off.",
			off, on+off),
		Verify: "ss -tno state established", Expect: "timer:(keepalive,...) at idle connections"}
}

func loreSomaxconn(x *exam, value uint64) Finding {
	for i := range x.Listeners {
		l := &x.Listeners[i]
		if x.exposed(l) && !programOf(l.program()).forks && l.Backlog < lowBacklog && uint64(l.Backlog) < value {
			return Finding{Advised: "raise the backlog where the program sets it, too",
				Why:    fmt.Sprintf("Raising somaxconn does not raise a backlog the program fixed: %s still has %d.", l.label(), l.Backlog),
				Verify: l.ssListener(), Expect: "a Send-Q that has risen"}
		}
	}
	return Finding{}
}

func loreSynBacklog(x *exam, _ uint64) Finding {
	if v, ok := x.sysctl(tcpSyncookies); !ok || v == 0 {
		return Finding{}
	}
	return Finding{Why: "With SYN cookies on tcp_max_syn_backlog limits nothing: the kernel looks at it only where they are off. A listener's own backlog bounds its half-open connections."}
}
