package control

// State is the daemon's condition in one word.
type State string

// The states. A daemon with a fault is degraded whether or not an attack is open.
const (
	StatePeace    State = "peace"
	StateAttack   State = "attack"
	StateDegraded State = "degraded"
)

// Status is everything the daemon tells about itself at one moment. Once published it must not
// be changed.
type Status struct {
	At         Time      `json:"at"` // when this picture was taken
	Version    string    `json:"version"`
	PID        int       `json:"pid"`
	Started    Time      `json:"started"`
	PolicyFile string    `json:"policy_file"`
	State      State     `json:"state"`
	Services   []Service `json:"services"` // in the order of the policy file
	Kernel     Kernel    `json:"kernel"`
	Table      Table     `json:"table"`
	Census     Census    `json:"census"`
	Turns      Turns     `json:"turns"`
	Exempt     []Exempt  `json:"exempt"` // by the operator while the daemon ran; at most MaxExempt
	Admins     Admins    `json:"admins"`
	Faults     []Fault   `json:"faults"`
	Reload     *Reload   `json:"reload"` // null: never asked for

	// Modes are those of services that were set by hand, in the order of the policy file.
	Modes []ServiceMode `json:"modes"`
}

// Kernel is the health of the network namespace. Counters are absolute, since boot.
type Kernel struct {
	CurrEstab         uint64 `json:"curr_estab"`
	SynCookies        int    `json:"syn_cookies"` // net.ipv4.tcp_syncookies: 0, 1, 2; -1: unknown
	CookiesSentPerS   Rate   `json:"cookies_sent_per_s"`
	CookiesValidPerS  Rate   `json:"cookies_valid_per_s"`
	CookiesFailedPerS Rate   `json:"cookies_failed_per_s"`
	CookiesMissing    bool   `json:"cookies_missing"` // a SYN flood is on and they are off
	SYNDropsPerS      Rate   `json:"syn_drops_per_s"` // at a full SYN queue, for want of cookies
	OpensPerS         Rate   `json:"opens_per_s"`     // connections accepted by all listeners
	OverflowsPerS     Rate   `json:"listen_overflows_per_s"`
	DropsPerS         Rate   `json:"listen_drops_per_s"` // SYNs and ACKs dropped by listeners
	ListenOverflows   uint64 `json:"listen_overflows"`
	ListenDrops       uint64 `json:"listen_drops"`
	SYNDrops          uint64 `json:"syn_drops"`
	Opens             uint64 `json:"opens"`
	CookiesSent       uint64 `json:"cookies_sent"`
	CookiesValid      uint64 `json:"cookies_valid"`
	CookiesFailed     uint64 `json:"cookies_failed"`
	ConntrackCount    uint64 `json:"conntrack_count"`
	ConntrackMax      uint64 `json:"conntrack_max"` // 0: no conntrack in this kernel
}

// Conntrack says who switched connection tracking on.
type Conntrack string

// Who has conntrack on: nobody, we for the time of a lease, or another table.
const (
	ConntrackOff    Conntrack = "off"
	ConntrackOurs   Conntrack = "ours"
	ConntrackOthers Conntrack = "others"
)

// Table is our nftables table.
type Table struct {
	Present   bool      `json:"present"`
	Owned     bool      `json:"owned"` // by our socket: gone when the daemon is gone
	Conntrack Conntrack `json:"conntrack"`
	Assumed   bool      `json:"conntrack_assumed"` // others: nobody was seen to use it, but legacy iptables may not be looked at
	Features  []string  `json:"features"`          // of the kernel, that we know how to use
	Fallbacks []string  `json:"fallbacks"`         // what the kernel lacks, and what is done instead
	Sets      []Set     `json:"sets"`              // those with a bound, by name; none before the first second
}

// Set is how full one set of the table is.
type Set struct {
	Name     string `json:"name"`
	Elements *int   `json:"elements"` // null: the kernel fills it and does not tell
	Size     int    `json:"size"`     // elements it takes
	Then     string `json:"then"`     // what happens to the next one
}

// Census tells of the latest count of connections.
type Census struct {
	Taken    Time     `json:"taken"` // null: not yet
	Age      Duration `json:"age"`
	Sockets  int      `json:"sockets"`
	CPU      Duration `json:"cpu"`
	Complete bool     `json:"complete"`  // false: counts are lower bounds
	Count    uint64   `json:"count"`     // of censuses since the daemon started
	CPUTotal Duration `json:"cpu_total"` // that all of them took
}

// Fault is something that does not work at the moment.
type Fault struct {
	Part  string `json:"part"`
	Text  string `json:"text"`
	Since Time   `json:"since"`
}

// Ruleset is nft syntax: what is in force, and what the present decision asks for. They differ
// in shadow mode and while a change is refused by the kernel.
type Ruleset struct {
	Text  string `json:"text"`
	Would string `json:"would"`
}
