package csf

import "strings"

// reason says why a setting about connections has no counterpart.
type reason struct {
	key   string
	under string // the switch that gives it a meaning; empty: itself
	why   string
}

// reasons are csf's settings about connections that no key of a policy stands for.
func reasons() []reason {
	return []reason{
		{"TESTING", "", `csf ends its rules by itself while it is tried; that is what mode = "shadow" is for, which passes every packet`},
		{"CT_INTERVAL", "CT_LIMIT", "there is no interval: counters are read five times a second (observe.tick), and connections counted at once when they say so"},
		{"CT_STATES", "CT_LIMIT", "which states count is not chosen here: established ones, CLOSE_WAIT and FIN_WAIT, as those hold a slot of the application"},
		{"CT_SKIP_TIME_WAIT", "CT_LIMIT", "TIME_WAIT never counts here, as if this were 1"},
		{"CT_PERMANENT", "CT_LIMIT", "every block ends: block_for says after which time, longer with each offence, at most 720h"},
		{"CT_EMAIL_ALERT", "CT_LIMIT", `"ebbgate notify" runs a command or calls a webhook when an attack begins or ends`},
		{"SYNFLOOD", "", "one limit for all sources together turns everybody away while anybody floods; SYN cookies carry such a flood (\"ebbgate audit\" checks them), rate.syn_per_source is per source and drops only above observe.syn_pressure. Switch it off"},
		{"SYNFLOOD_RATE", "SYNFLOOD", "see SYNFLOOD"},
		{"SYNFLOOD_BURST", "SYNFLOOD", "see SYNFLOOD"},
		{"CONNLIMIT6", "", "limits of a policy hold for IPv6 as they do for IPv4"},
		{"PORTFLOOD6", "", "limits of a policy hold for IPv6 as they do for IPv4"},
		{"CONNLIMIT_LOGGING", "CONNLIMIT", "attacks, limits and blocks are in the journal and in \"ebbgate events\", each once and not for each packet"},
		{"DENY_IP_LIMIT", "", "there is no list of those refused for ever"},
		{"DENY_TEMP_IP_LIMIT", "", "limits.max_blocks, 100000 unless set, and nobody's block ends because another one begins"},
		{"LF_PERMBLOCK", "CT_LIMIT", "repeated offences are blocked longer by the further values of block_for, and never for ever"},
		{"LF_NETBLOCK", "CT_LIMIT", "per_prefix limits, and so blocks, networks by what they hold, not by how many of their addresses were blocked"},
		{"PERMBLOCK", "CT_LIMIT", "see block_for"},
		{"IGNORE_ALLOW", "", "csf.allow is taken over to exempt.prefixes either way, as csf accepts those addresses before its limits"},
		{"UDPFLOOD", "", "only TCP is looked at"},
		{"UDP_IN", "", "only TCP is looked at"},
		{"UDP6_IN", "IPV6", "only TCP is looked at"},
		{"CC_DENY", "", "countries are no measure here; keep csf or a firewall for them"},
		{"CC_ALLOW_FILTER", "", "countries are no measure here; keep csf or a firewall for them"},
		{"CC_DENY_PORTS", "", "countries are no measure here; keep csf or a firewall for them"},
		{"PORTKNOCKING", "", "opening ports is a firewall's work; keep it"},
		{"LF_SPI", "", "filtering is a firewall's work, and ebbgate stands before it; while it uses conntrack, nothing is notrack here"},
	}
}

// translatable are the settings that are taken over, in full or in part, if csf has them switched on.
func translatable() []string {
	return []string{"CT_LIMIT", "CT_PORTS", "CT_SUBNET_LIMIT", "CT_BLOCK_TIME", "CONNLIMIT", "PORTFLOOD", "TCP_IN", "TCP6_IN"}
}

// rest lists what was not taken over, and counts what is not about connections.
func (t *translator) rest() {
	about := make(map[string]bool)
	for _, r := range reasons() {
		about[r.key] = true
		e := t.get(r.key)
		if e == nil {
			continue
		}
		if !t.on(r.key) && r.under == "" || r.under != "" && !t.on(r.under) || strings.TrimSpace(e.value) == "" {
			t.out.Off = append(t.out.Off, r.key)
			continue
		}
		t.leave(e, "%s", r.why)
	}
	done := make(map[string]bool)
	for _, x := range t.out.Translated {
		done[x.Key] = true
	}
	for _, x := range t.out.Left {
		done[x.Key] = true
	}
	for _, key := range translatable() {
		about[key] = true
		e := t.get(key)
		switch {
		case e == nil || done[key]:
		case !t.on(key) || key == "TCP6_IN" && !t.on("IPV6") || key == "CT_BLOCK_TIME" || key == "CT_SUBNET_LIMIT" || key == "CT_PORTS":
			t.out.Off = append(t.out.Off, key)
		default:
			t.leave(e, "ebbgate opens and closes no ports; those of it without a limit in csf are no service here")
		}
	}
	for _, key := range t.order {
		if !about[key] {
			t.out.Elsewhere++
		}
	}
}
