package enforcer

// Features are what this kernel can do beyond the least we need, as found once by Open. What is
// missing is done in another way, or not done, as Lacking says.
type Features struct {
	Owner     bool // a table can belong to a socket: Linux 5.12
	Destroy   bool // elements can be deleted that may not be there: Linux 6.3
	Count     bool // the kernel tells how many elements a set has: Linux 6.16
	Connlimit bool // CONFIG_NFT_CONNLIMIT
	SYNProxy  bool // CONFIG_NFT_SYNPROXY, and to tell whom it is for, CONFIG_NFT_SOCKET of Linux 5.10
	Close     bool // connections can be closed: CONFIG_INET_DIAG_DESTROY
	Endings   bool // the kernel tells which connections end: Linux 4.5
}

// feature is how one of them is spoken of.
type feature struct {
	has     func(*Features) bool
	name    string
	instead string
}

// features lists all of them.
func features() []feature {
	return []feature{
		{func(f *Features) bool { return f.Owner }, "table owned by our socket (Linux 5.12)",
			"a table that others remove is noticed and built again within a second"},
		{func(f *Features) bool { return f.Destroy }, "destroying elements (Linux 6.3)",
			"what the kernel counted for a source stays counted until the attack is over"},
		{func(f *Features) bool { return f.Count }, "sizes of sets (Linux 6.16)",
			"how full the sets are which the kernel fills is not known"},
		{func(f *Features) bool { return f.Connlimit }, "connlimit (CONFIG_NFT_CONNLIMIT)",
			"no source is held exactly at its limit: the census refuses it"},
		{func(f *Features) bool { return f.SYNProxy }, "synproxy (CONFIG_NFT_SYNPROXY and, of Linux 5.10, CONFIG_NFT_SOCKET)",
			"SYN cookies alone answer forged SYNs"},
		{func(f *Features) bool { return f.Close }, "closing connections (CONFIG_INET_DIAG_DESTROY)",
			"what a blocked source holds stays until its own time-out"},
		{func(f *Features) bool { return f.Endings }, "notices of ended connections (Linux 4.5)",
			"new connections per source are not measured: no churn is seen"},
	}
}

// Has names the features this kernel has.
func (f *Features) Has() []string {
	names := []string{}
	for _, one := range features() {
		if one.has(f) {
			names = append(names, one.name)
		}
	}
	return names
}

// Lacking says for each feature this kernel does not have what it is and what happens instead.
func (f *Features) Lacking() []string {
	texts := []string{}
	for _, one := range features() {
		if !one.has(f) {
			texts = append(texts, "no "+one.name+": "+one.instead)
		}
	}
	return texts
}

// Features returns what Open found out about the kernel.
func (t *Table) Features() Features { return t.features }
