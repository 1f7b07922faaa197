package metrics

import "ebbgate/control"

// tableFamilies tell of our nftables table.
func tableFamilies() []family {
	users := []string{string(control.ConntrackOff), string(control.ConntrackOurs), string(control.ConntrackOthers)}
	return []family{
		gauge("table_present", "1 while our nftables table is in the kernel.",
			func(s *control.Status) float64 { return truth(s.Table.Present) }),
		gauge("table_owned", "1 while the table belongs to the daemon's socket, so that others cannot change it.",
			func(s *control.Status) float64 { return truth(s.Table.Owned) }),
		oneOf("table_conntrack", "1 for who has connections tracked: off is nobody, ours the daemon, others somebody else.", "by", users,
			func(s *control.Status, by string) bool { return string(s.Table.Conntrack) == by }),
		gauge("table_fullest_set_ratio", "How full the fullest set of the table is, of those that tell; 1 is full.", fullestSet),
	}
}

func fullestSet(s *control.Status) float64 {
	fill := 0.0
	for _, set := range s.Table.Sets {
		if set.Elements != nil && set.Size > 0 {
			fill = max(fill, float64(*set.Elements)/float64(set.Size))
		}
	}
	return fill
}
