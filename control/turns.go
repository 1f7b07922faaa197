package control

// Turns tells how long the turns of the daemon's loop took since it started.
type Turns struct {
	Count   uint64   `json:"count"`
	Last    Duration `json:"last"`
	Longest Duration `json:"longest"`
	Sum     Duration `json:"sum"`
	Within  []Within `json:"within"` // by the length, which ascends; the counts do, too
}

// Within is how many turns took no longer than a length of time.
type Within struct {
	Length Duration `json:"length"`
	Count  uint64   `json:"count"`
}
