package control

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebbgate/policy"
)

func TestSourcesGolden(t *testing.T) {
	for name, s := range map[string]*Sources{
		"sources": listed().Select(SourcesRequest{}), "sources_early": early().Select(SourcesRequest{}), "sources_partial": partial().Select(SourcesRequest{Limit: 3}),
		"sources_blocked": listed().Select(SourcesRequest{State: SourceBlocked}), "sources_none": (&SourceList{}).Select(SourcesRequest{}),
		"sources_quiet": listed().Select(SourcesRequest{Service: "admin"}), "sources_nasty": nastySources(),
	} {
		golden(t, "text_"+name+".txt", []byte(written(t, WriteSources, s, TextOptions{})))
		golden(t, "text_"+name+"_80.txt", []byte(written(t, WriteSources, s, TextOptions{Width: 80})))
	}
	golden(t, "text_sources_color.txt", []byte(written(t, WriteSources, listed().Select(SourcesRequest{}), TextOptions{Color: true})))
}

func TestSelectSources(t *testing.T) {
	within := func(p string) SourcesRequest { return SourcesRequest{Within: netip.MustParsePrefix(p)} }
	for name, c := range map[string]struct {
		r     SourcesRequest
		want  string // the last parts of the sources
		total int
		held  int
	}{
		"held":           {SourcesRequest{Limit: 3}, "192.0.2.7 2001:db8:1111:2222::/64 2001:db8:1111:2222:3333:4444:5555:6666", 11, 1587},
		"a service":      {SourcesRequest{Service: "payments-gateway-for-partners"}, "2001:db8:1111:2222::/64 2001:db8:1111:2222:3333:4444:5555:6666", 2, 150},
		"blocked":        {SourcesRequest{State: SourceBlocked}, "203.0.113.9 198.51.100.250 203.0.113.0/24", 3, 1},
		"free":           {SourcesRequest{State: SourceFree}, "2001:db8:1111:2222::/64 198.51.100.9", 2, 152},
		"within":         {within("198.51.100.0/29"), "198.51.100.1 198.51.100.3 198.51.100.2", 3, 230},
		"one address":    {within("203.0.113.77/32"), "203.0.113.0/24", 1, 0},
		"an IPv6 one":    {within("2001:db8:bad:cafe::7/128"), "2001:db8:bad:cafe::/64", 1, 0},
		"fastest":        {SourcesRequest{Sort: ByNew, Limit: 2}, "198.51.100.1 2001:db8:bad:cafe::/64", 11, 1587},
		"held back":      {SourcesRequest{Sort: ByState, Limit: 8}, "2001:db8:1111:2222:3333:4444:5555:6666 198.51.100.1 198.51.100.2 203.0.113.9 2001:db8:bad:cafe::/64 198.51.100.250 203.0.113.0/24 192.0.2.7", 11, 1587},
		"half-open":      {SourcesRequest{Sort: ByHalfOpen, Limit: 2}, "198.51.100.9 198.51.100.1", 11, 1587},
		"SYNs":           {SourcesRequest{Sort: BySYNs, Limit: 1}, "198.51.100.9", 11, 1587},
		"nobody's there": {SourcesRequest{Service: "admin"}, "", 0, 0},
	} {
		got := listed().Select(c.r)
		var list []string
		for _, s := range got.Sources {
			list = append(list, SourceText(s.Source))
		}
		if strings.Join(list, " ") != c.want || got.Total != c.total || got.Held != c.held {
			t.Errorf("%s: %s, %d in all that hold %d; want %s, %d, %d", name, list, got.Total, got.Held, c.want, c.total, c.held)
		}
	}
	if got := listed().Select(SourcesRequest{Service: "shop"}); got != nil {
		t.Errorf("a service that is not there: %+v", got)
	}
	want := SourceCounts{Exempt: 1, Blocked: 3, Refused: 3, Limited: 1, Watched: 1, Free: 2}
	if got := listed().Select(SourcesRequest{Limit: 1}).States; got != want {
		t.Errorf("states %+v, want %+v", got, want)
	}
}

// TestPartialOrder holds what a bounded heap keeps against a full sort.
func TestPartialOrder(t *testing.T) {
	l := &SourceList{Services: []policy.ServiceStandings{{Service: "a"}, {Service: "b"}}}
	for i := range 500 {
		s := policy.Standing{Source: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32), Held: i * 7919 % 61}
		l.Services[i%2].Sources = append(l.Services[i%2].Sources, s)
	}
	all := l.Select(SourcesRequest{Limit: MaxSources}).Sources
	for _, n := range []int{1, 2, 10, 499, 500} {
		if diff := cmp.Diff(all[:n], l.Select(SourcesRequest{Limit: n}).Sources, compareNet); diff != "" {
			t.Errorf("the first %d differ:\n%s", n, diff)
		}
	}
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		if a.Held < b.Held || a.Held == b.Held && (a.Service > b.Service || a.Service == b.Service && policy.ComparePrefix(a.Source, b.Source) >= 0) {
			t.Fatalf("%v before %v", a, b)
		}
	}
}

func TestSourcesRefused(t *testing.T) {
	srv := published(peace())
	for query, want := range map[string]string{
		"state=blockd":                     `state: "blockd" is not a state; it must be exempt, blocked, refused, limited, watched or free`,
		"sort=new_per_s":                   `sort: "new_per_s" is not an order; it must be state, held, new, half_open or syns`,
		"within=203.0.113.7/24":            "within: 203.0.113.7/24 has bits set beyond its length",
		"within=somewhere":                 `within: "somewhere" is not an address`,
		"limit=0":                          `limit: "0" is out of range; it must be a number from 1 to 1000`,
		"limit=1001":                       "a number from 1 to 1000",
		"limit=-1":                         "a number from 1 to 1000",
		"limit=":                           "limit: is empty",
		"service=":                         "service: is empty",
		"limit=1&limit=2":                  "limit comes 2 times",
		"servce=web":                       "takes service, state, within, sort, limit",
		"state=" + strings.Repeat("x", 99): "...",
	} {
		w := ask(srv, &Peer{}, "GET", "/v1/sources?"+query)
		if w.Code != http.StatusBadRequest || !strings.Contains(strings.ReplaceAll(w.Body.String(), `\"`, `"`), want) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	w := ask(srv, &Peer{}, "GET", "/v1/sources?service=shop")
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "there are admin, payments-gateway-for-partners, web") {
		t.Errorf("an unknown service: %d %s", w.Code, w.Body)
	}
}

// TestSourcesAreListedOnce asks from many clients at once, with the same question and with others.
func TestSourcesAreListedOnce(t *testing.T) {
	srv, made := bare(), 0
	srv.PublishSources(func() *SourceList { made++; return listed() })
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			w := ask(srv, &Peer{}, "GET", fmt.Sprintf("/v1/sources?limit=%d", 1+i%32))
			if got, err := decodeAnswer[Sources](w.Body, maxAnswer); err != nil || len(got.Sources) != min(1+i%32, 11) {
				t.Errorf("limit %d: %v, %v", 1+i%32, got, err)
			}
		})
	}
	wg.Wait()
	if kept := len(srv.sources.Load().answers); made != 1 || kept != keptAnswers {
		t.Errorf("the list was made %d times, %d answers are kept", made, kept)
	}
	r := SourcesRequest{Sort: ByHeld, Limit: 1}
	a := &sourceAnswers{list: listed}
	first, _ := a.answer(r)
	again, _ := a.answer(r)
	if &first[0] != &again[0] {
		t.Error("the same question was answered anew")
	}
	srv.turn <- struct{}{}
	defer func() { <-srv.turn }()
	if w := ask(srv, &Peer{}, "GET", "/v1/sources"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"busy"`) {
		t.Errorf("while somebody has the turn: %d %s", w.Code, w.Body)
	}
}

// TestRequestsSurviveTheWire sends what the client writes through the parser.
func TestSourcesRequestSurvivesTheWire(t *testing.T) {
	for _, r := range []SourcesRequest{{}, {Service: "web", State: SourceLimited, Within: netip.MustParsePrefix("2001:db8::/32"), Sort: BySYNs, Limit: 7}} {
		got, err := parseSources(r.query())
		if r.Sort == "" {
			r.Sort, r.Limit = ByHeld, DefaultSources
		}
		if err != nil || got != r {
			t.Errorf("%+v, %v; want %+v", got, err, r)
		}
	}
}

// BenchmarkSelect finds the hundred heaviest of 150,000 sources.
func BenchmarkSelect(b *testing.B) {
	l := &SourceList{Services: []policy.ServiceStandings{{Service: "web"}}}
	for i := range 150_000 {
		l.Services[0].Sources = append(l.Services[0].Sources, policy.Standing{Held: i * 7919 % 1009,
			Source: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if got := l.Select(SourcesRequest{}); got.Total != 150_000 {
			b.Fatal(got.Total)
		}
	}
}
