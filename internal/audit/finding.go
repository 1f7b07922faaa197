package audit

// Finding is one thing that was looked at, and what to do about it.
type Finding struct {
	ID       string   `json:"id"` // of Topics; stable
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"` // the sysctl, listener, process or chain
	Found    string   `json:"found"`
	Advised  string   `json:"advised,omitempty"` // for this host; empty: no value to set
	Why      string   `json:"why"`
	Where    string   `json:"where,omitempty"`  // where to set it
	Verify   string   `json:"verify,omitempty"` // a command that shows whether it worked
	Expect   string   `json:"expect,omitempty"` // what it prints then
	// Sysctls are the settings that carry out the advice. A finding that is not settled by
	// sysctls, or only at a price the operator has to weigh, has none.
	Sysctls []Assignment `json:"sysctls,omitempty"`
	SetBy   []string     `json:"set_by,omitempty"` // FILE:LINE that sets them at boot now
}

// Assignment is a line of a sysctl.d file.
type Assignment struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Topic says what findings of one ID are about.
type Topic struct{ ID, About string }

// The IDs of findings.
const (
	idCookies        = "syncookies"
	idSynBacklog     = "syn-backlog"
	idSynFlood       = "syn-flood"
	idSynackRetries  = "synack-retries"
	idSomaxconn      = "somaxconn"
	idBacklog        = "listener-backlog"
	idQueue          = "accept-queue"
	idOverflow       = "accept-overflow"
	idAbort          = "abort-on-overflow"
	idFileLimit      = "file-limit"
	idFileMax        = "file-max"
	idKeepaliveTime  = "keepalive-time"
	idKeepalive      = "keepalive-sockets"
	idTimeWait       = "time-wait"
	idTwReuse        = "tw-reuse"
	idLocalPorts     = "local-ports"
	idReserved       = "reserved-ports"
	idFinTimeout     = "fin-timeout"
	idTimestamps     = "timestamps"
	idMemory         = "tcp-memory"
	idOrphans        = "orphans"
	idTrackFill      = "conntrack-fill"
	idTrackBuckets   = "conntrack-buckets"
	idTrackSynRecv   = "conntrack-syn-recv"
	idTrackLoose     = "conntrack-loose"
	idHooks          = "hooks"
	idUnread         = "unread"
	idLoreRecycle    = "folklore-tw-recycle"
	idLoreReuse      = "folklore-tw-reuse"
	idLoreBuckets    = "folklore-tw-buckets"
	idLoreFin        = "folklore-fin-timeout"
	idLoreKeepalive  = "folklore-keepalive"
	idLoreSomaxconn  = "folklore-somaxconn"
	idLoreSynBacklog = "folklore-syn-backlog"
)

// Topics lists every ID there is, in the order in which the documentation has them.
func Topics() []Topic {
	return []Topic{
		{idCookies, "whether the kernel answers a full queue of half-open connections with SYN cookies"},
		{idSynBacklog, "how many half-open connections a listener keeps where SYN cookies are off"},
		{idSynFlood, "whether SYNs are being answered by cookies, or dropped, at this moment"},
		{idSynackRetries, "how long a half-open connection is kept"},
		{idSomaxconn, "the most any program can have as its backlog"},
		{idBacklog, "the backlog each program asked for at listen(2)"},
		{idQueue, "connections that wait in a listener's accept queue now"},
		{idOverflow, "connections lost because an accept queue was full, so far and now"},
		{idAbort, "whether a full accept queue resets clients instead of letting them try again"},
		{idFileLimit, "file descriptors a listening process may open, against what it has and needs"},
		{idFileMax, "file descriptors of the whole host"},
		{idKeepaliveTime, "after how long a keepalive finds a dead peer, in minutes"},
		{idKeepalive, "whether a service's connections have keepalive on at all"},
		{idTimeWait, "connections in TIME_WAIT, against the most the kernel keeps"},
		{idTwReuse, "whether outgoing connections may take over ports in TIME_WAIT"},
		{idLocalPorts, "local ports left for outgoing connections to one destination"},
		{idReserved, "listeners on ports the host may take for its own outgoing connections"},
		{idFinTimeout, "how long a closed connection waits for its peer's FIN"},
		{idTimestamps, "whether TCP timestamps are on, which SYN cookies and tcp_tw_reuse need"},
		{idMemory, "memory of all TCP buffers, against the kernel's limits"},
		{idOrphans, "connections no process holds any more, against the most the kernel keeps"},
		{idTrackFill, "how full the conntrack table is"},
		{idTrackBuckets, "how long the chains of the conntrack table are when it is full"},
		{idTrackSynRecv, "how long a forged SYN occupies an entry of the conntrack table"},
		{idTrackLoose, "whether SYNPROXY can work"},
		{idHooks, "chains of others that see packets before those of ebbgate"},
		{idUnread, "what could not be looked at, and why"},
		{idLoreRecycle, "folklore: tcp_tw_recycle, which no longer exists"},
		{idLoreReuse, "folklore: tcp_tw_reuse helps a server against TIME_WAIT"},
		{idLoreBuckets, "folklore: lowering tcp_max_tw_buckets is good against TIME_WAIT"},
		{idLoreFin, "folklore: lowering tcp_fin_timeout shortens TIME_WAIT"},
		{idLoreKeepalive, "folklore: tcp_keepalive_time makes connections keep alive"},
		{idLoreSomaxconn, "folklore: somaxconn raises the backlog of programs"},
		{idLoreSynBacklog, "folklore: tcp_max_syn_backlog limits half-open connections"},
	}
}
