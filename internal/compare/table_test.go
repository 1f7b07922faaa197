package compare

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	results := []Result{
		{Kind: "churn", Defence: "none", During: Requests{Done: 500, Succeeded: 10, Share: 2, P95: 800 * time.Millisecond},
			Recovery: Never, CPU: CPU{Server: 1.2, Network: 20.6}, Sent: 3999.4, HeldEnd: 2000, Clean: 400 * time.Millisecond},
		{Kind: "churn", Defence: "static", During: Requests{Share: 0}, Recovery: Never, TrackedPeak: 262144, Clean: Never, Left: "9 conntrack entries"},
		{Kind: "churn", Defence: "ebbgate", During: Requests{Done: 500, Succeeded: 498, Share: 99.6}, Recovery: 1240 * time.Millisecond,
			After: Requests{Done: 4000, Succeeded: 3999, Share: 99.975, P95: 1500 * time.Microsecond}, CPU: CPU{1, 2, 3.04, 90}, Clean: 8 * time.Second},
		{Kind: "syn-flood", Defence: "none", During: Requests{Done: 500, Succeeded: 500, Share: 100},
			After: Requests{Done: 500, Succeeded: 500, Share: 100, P95: time.Millisecond}},
	}
	want := `| attack | defence | served during | after recovery | 95 % within | recovered after | CPU of the victim | of it ebbgate | SYNs/s | conntrack entries | attackers hold | clean after |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
| churn | none | 2.0 % | – | 800.0 ms | never | 22 % | – | 3999 | 0 | 2000 | 0.4 s |
| churn | static | 0.0 % | – | – | never | 0 % | – | 0 | 262144 | 0 | later: 9 conntrack entries |
| churn | ebbgate | 99.6 % | 99.9 % | 1.5 ms | 1.2 s | 6 % | 3.0 % | 0 | 0 | 0 | 8.0 s |
| syn-flood | none | 100.0 % | 100.0 % | 1.0 ms | at once | 0 % | – | 0 | 0 | 0 | 0.0 s |
`
	var b strings.Builder
	if err := Table(&b, results); err != nil || b.String() != want {
		t.Errorf("error %v, got\n%s\nwant\n%s", err, b.String(), want)
	}
}

func TestRateTable(t *testing.T) {
	var rates []Rate
	for i, traffic := range allTraffic() {
		for j, rules := range allRules() {
			rates = append(rates, Rate{traffic, rules, float64(i*1_000_000 + (j+1)*100_000), float64(j) / 2})
		}
	}
	want := `| packets a second of one core | no rules | peace | shadow | enforce |
|---|--:|--:|--:|--:|
| SYNs of a blocked source | 100 k | 200 k (0.50) | 300 k (1.00) | 400 k (1.50) |
| SYNs of a metered source | 1.10 M | 1.20 M (0.50) | 1.30 M (1.00) | 1.40 M (1.50) |
| SYNs of 60,000 random sources | 2.10 M | 2.20 M (0.50) | 2.30 M (1.00) | 2.40 M (1.50) |
| established: a bulk transfer | 3.10 M | 3.20 M (0.50) | 3.30 M (1.00) | 3.40 M (1.50) |
`
	var b strings.Builder
	if err := RateTable(&b, rates); err != nil || b.String() != want {
		t.Errorf("error %v, got\n%s\nwant\n%s", err, b.String(), want)
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("no space left")

func TestTablesThatCannotBeWritten(t *testing.T) {
	if err := Table(full{}, nil); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	if err := RateTable(full{}, nil); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
}
