package control

// Parts names whatever can be at fault, as Fault.Part has it, in the order of the names. Monitoring counts on
// there being no other.
func Parts() []string {
	return []string{
		"census",
		"closing",
		"control socket",
		"counters of the table",
		"history",
		"metrics",
		"observe conntrack",
		"observe counters",
		"observe endings",
		"observe interfaces",
		"observe listeners",
		"observe sessions",
		"observe syncookies",
		"recorder",
		"rules",
		"service manager",
		"sets of the table",
		"sizes of the table's sets",
		"SYN meters",
		"table",
	}
}
