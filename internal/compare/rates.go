package compare

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"ebbgate/enforcer"
	"ebbgate/internal/demo"
	"ebbgate/internal/lab"
)

// Traffic is what is sent through the rules.
type Traffic string

// The traffic that is compared.
const (
	Blocked     Traffic = "SYNs of a blocked source"
	Metered     Traffic = "SYNs of a metered source"
	Random      Traffic = "SYNs of 60,000 random sources"
	Established Traffic = "established: a bulk transfer"
)

func allTraffic() []Traffic { return []Traffic{Blocked, Metered, Random, Established} }

// segment is how many bytes a packet of a bulk transfer carries, with the headers and the timestamp
// option of TCP taken off an Ethernet frame.
const segment = 1448

// Rate is how much traffic went through the rules.
type Rate struct {
	Traffic Traffic `json:"traffic"`
	Rules   Rules   `json:"rules"`
	// Packets for each second of one core, sender and receiver together; the median of the rounds.
	Packets float64 `json:"packets_per_cpu_second"`
	// Ratio is the median of the ratios to no rules, of the same round each.
	Ratio float64 `json:"of_no_rules"`
}

// RateOptions say how packet rates are measured.
type RateOptions struct {
	Rounds int
	Each   time.Duration // one measurement
}

// rig is what packet rates are measured with.
type rig struct {
	lab    *lab.Lab
	sink   *sink
	blasts map[Traffic]*lab.Blast
}

// Rates measures every traffic through all rules, in rounds in which they take turns. A rate tells what a
// packet costs sender and receiver together, by their CPU time: whoever else keeps the machine busy
// changes little of it. It returns the rates by traffic and rules.
func Rates(ctx context.Context, o RateOptions) (rates []Rate, err error) {
	r, err := newRig()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	measured := make(map[Traffic]map[Rules][]float64)
	for _, t := range allTraffic() {
		measured[t] = make(map[Rules][]float64)
	}
	for round := range o.Rounds {
		for i := range allRules() {
			rules := allRules()[(i+round)%len(allRules())]
			for _, t := range allTraffic() {
				rate, err := r.measure(ctx, t, rules, o.Each)
				if err != nil {
					return nil, fmt.Errorf("%s through %s: %w", t, rules, err)
				}
				measured[t][rules] = append(measured[t][rules], rate)
			}
		}
	}
	return summarise(measured), nil
}

// summarise takes the medians.
func summarise(measured map[Traffic]map[Rules][]float64) []Rate {
	var rates []Rate
	for _, t := range allTraffic() {
		base := measured[t][NoRules]
		for _, rules := range allRules() {
			var ratios []float64
			for i, rate := range measured[t][rules] {
				ratios = append(ratios, rate/base[i])
			}
			rates = append(rates, Rate{t, rules, median(measured[t][rules]), median(ratios)})
		}
	}
	return rates
}

func newRig() (r *rig, err error) {
	r = &rig{blasts: make(map[Traffic]*lab.Blast)}
	if r.lab, err = lab.New(); err != nil {
		return nil, err
	}
	if err := r.setUp(); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *rig) setUp() (err error) {
	// What a flood leaves half-open is to be gone when the next one begins.
	if err := r.lab.Victim.SetSysctl("net.ipv4.tcp_synack_retries", "0"); err != nil {
		return err
	}
	for _, n := range []*lab.Namespace{r.lab.Victim, r.lab.Clients} {
		if err := n.NoSegmentation(); err != nil {
			return err
		}
	}
	if r.sink, err = startSink(r.lab.Victim); err != nil {
		return err
	}
	target := netip.AddrPortFrom(lab.VictimV4(), demo.ServicePort)
	for t, sources := range map[Traffic][]netip.Addr{
		Blocked: {blockedSource()}, Metered: {meteredSource()}, Random: randomSources(),
	} {
		if r.blasts[t], err = lab.NewBlast(r.lab.Attackers, target, sources); err != nil {
			delete(r.blasts, t)
			return err
		}
	}
	return nil
}

func (r *rig) close() error {
	var errs []error
	for _, b := range r.blasts {
		errs = append(errs, b.Close())
	}
	if r.sink != nil {
		errs = append(errs, r.sink.close())
	}
	return errors.Join(append(errs, r.lab.Close())...)
}

// measure returns the packets for each second of CPU time of one traffic through some rules, which are installed for it.
func (r *rig) measure(ctx context.Context, t Traffic, rules Rules, length time.Duration) (rate float64, err error) {
	table, err := install(r.lab.Victim, t, rules)
	if err != nil {
		return 0, err
	}
	if table != nil {
		defer func() { err = errors.Join(err, table.Close()) }()
	}
	if t == Established {
		bytes, err := r.sink.transfer(ctx, r.lab.Clients, length)
		return bytes / segment, err
	}
	sent, took, err := r.blasts[t].Run(ctx, length)
	if err != nil {
		return 0, err
	}
	return float64(sent) / took.Seconds(), met(table, t, rules, sent)
}

// met reports an error where the packets did not meet the rules they were to meet: most of them must
// have been counted there.
func met(table *enforcer.Table, t Traffic, rules Rules, sent uint64) error {
	if rules != Enforce && rules != Shadow || t == Random {
		return nil
	}
	all, err := table.Counts()
	if err != nil {
		return err
	}
	n := all["shop"].Blocked
	if t == Metered {
		n = all["shop"].Dropped
	}
	if n < sent/2 {
		return fmt.Errorf("of %d packets the rules counted %d", sent, n)
	}
	return nil
}
