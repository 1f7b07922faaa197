package enforcer

import (
	"net/netip"
	"testing"

	"ebbgate/internal/boottime"
	"ebbgate/internal/lab"
	"ebbgate/internal/nstest"
	"ebbgate/policy"
)

// dropping meters web at a low rate and drops what two sources send beyond it.
func dropping() *policy.Decision {
	d := &policy.Decision{At: boottime.Now(), Exempt: []policy.Exemption{{Prefix: netip.MustParsePrefix("10.66.0.8/32"), Service: "web"}}}
	d.Meters = []policy.Meter{{Service: "web", Max: policy.MinSYNPerSource, Until: d.At + 300*second}}
	for _, s := range prefixes("10.66.0.2/32", "10.66.0.8/32", "fd66:0:0:5::/64") {
		d.Drops = append(d.Drops, policy.SYNDrop{Service: "web", Source: s, Mode: policy.Enforce, Until: d.At + 300*second})
	}
	return d
}

// TestWhatIsDroppedIsStillListed: the list is the evidence, and the rates go on when drops begin and
// end.
func TestWhatIsDroppedIsStillListed(t *testing.T) {
	f := newField(t)
	d := dropping()
	source := netip.MustParseAddr("10.66.0.2")
	drops := d.Drops
	d.Drops = nil
	f.apply(t, fieldPolicy(), d)
	flood := f.spoof(t, lab.VictimV4(), []netip.Addr{source}, 2_000)
	named := func() bool {
		m := f.read(t)
		return len(m.Sources) == 1 && m.Sources[0].Source == netip.PrefixFrom(source, 32)
	}
	nstest.Await(t, "the source to be named", named)
	d.Drops = drops
	plan := Diff(f.table.Have(), Compile(fieldPolicy(), d, Environment{}), boottime.Now())
	if plan.Replaces() {
		t.Fatal("the table is replaced")
	}
	if err := f.table.Apply(plan); err != nil {
		t.Fatal(err)
	}
	nstest.Await(t, "its SYNs to be dropped", func() bool { return f.counts(t).Dropped > 1000 })
	if !named() {
		t.Error("what is dropped is not listed any more")
	}
	d.Drops = nil
	f.apply(t, fieldPolicy(), d)
	over := f.read(t).Over
	nstest.Await(t, "the meter to go on", func() bool { return f.read(t).Over > over+1000 })
	stopSpoof(t, flood)
}
