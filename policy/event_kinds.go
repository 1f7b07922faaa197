package policy

// EventKinds returns every transition Step can report.
func EventKinds() []EventKind {
	return []EventKind{AttackBegan, AttackEnded, LimitRaised, LimitDropped, LimitsFull, SourceBlocked, SourceFreed,
		BlocksMerged, BlocksFull, StrikesForgotten, ShareChanged, ExemptAdded, ExemptEnded, ExemptOffender,
		CookiesOff, PressureChanged, ProxyChanged, TrackingChanged, TableLost, ModeChanged}
}
