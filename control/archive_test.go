package control

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fakeArchive holds attacks 1 to 40, all ended.
type fakeArchive struct{ err error }

func kept(id uint64) Attack {
	return Attack{ID: strconv.FormatUint(id, 10), Service: map[bool]string{true: "old", false: "web"}[id%2 == 0], Ended: TimeOf(time.Unix(int64(id), 0))}
}

func (f fakeArchive) Attacks(before uint64, most int, wanted func(*Attack) bool) (list []Attack, more bool, err error) {
	for id := min(before-1, 40); id > 0; id-- {
		if a := kept(id); wanted(&a) {
			if len(list) == most {
				return list, true, f.err
			}
			list = append(list, a)
		}
	}
	return list, false, f.err
}

func (f fakeArchive) Attack(id uint64) (*Attack, error) {
	if id > 40 {
		return nil, f.err
	}
	a := kept(id)
	return &a, f.err
}

func (f fakeArchive) Samples(id uint64) (*Samples, error) {
	if id > 40 {
		return nil, f.err
	}
	return &Samples{ID: strconv.FormatUint(id, 10), Samples: []Sample{{Held: 5}}}, f.err
}

// archiving returns a server that publishes attacks 39, 41 and 42, of which 42 is open.
func archiving(a Archive) *Server {
	srv := published(peace())
	srv.PublishAttacks(func() *Attacks {
		return &Attacks{Attacks: []Attack{{ID: "42", Service: "web"}, {ID: "41", Service: "old", Ended: TimeOf(time.Unix(41, 0))}, {ID: "39", Service: "web", EndedWhy: "published", Ended: TimeOf(time.Unix(39, 0))}}}
	})
	srv.Archive(a)
	return srv
}

func TestAttacksOfTheArchive(t *testing.T) {
	for query, want := range map[string]string{
		"":                            "42 41 39",
		"?limit=1000":                 "42 41 40 39 38 37 36 35 34 33 32 31 30 29 28 27 26 25 24 23 22 21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1",
		"?limit=3":                    "42 41 40 more",
		"?before=41&limit=3":          "40 39 38 more",
		"?before=4":                   "3 2 1",
		"?before=1":                   "",
		"?before=40&limit=4":          "39 38 37 36 more",
		"?service=old&limit=2":        "41 40 more",
		"?service=old&before=5":       "4 2",
		"?open=true":                  "42",
		"?since=1970-01-01T00:00:38Z": "42 41 40 39 38",
	} {
		w := ask(archiving(fakeArchive{}), &Peer{}, "GET", "/v1/attacks"+query)
		var got struct{ Result Attacks }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
			t.Fatalf("%s: %d, %v", query, w.Code, err)
		}
		var list []string
		for _, a := range got.Result.Attacks {
			list = append(list, a.ID)
			if a.ID == "39" && a.EndedWhy != "published" {
				t.Errorf("%s: of attack 39 the archive is believed", query)
			}
		}
		if got.Result.More {
			list = append(list, "more")
		}
		if got := strings.Join(list, " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

func TestAttackOfTheArchive(t *testing.T) {
	broken := fakeArchive{errors.New("the disk is gone")}
	for _, c := range []struct {
		archive Archive
		path    string
		status  int
		want    string
	}{
		{fakeArchive{}, "/v1/attacks?id=39", 200, `"published"`},
		{fakeArchive{}, "/v1/attacks?id=3", 200, `"id":"3"`},
		{fakeArchive{}, "/v1/attacks?id=43", 404, "there is no attack 43"},
		{fakeArchive{}, "/v1/samples?id=3", 200, `"held":5`},
		{fakeArchive{}, "/v1/samples?id=42", 404, "how attack 42 went is not kept"},
		{fakeArchive{}, "/v1/samples?id=0", 400, "must be a number of 1 or more"},
		{nil, "/v1/samples?id=3", 404, "history.path is empty"},
		{nil, "/v1/attacks?id=3", 404, "there is no attack 3"},
		{broken, "/v1/attacks?id=3", 500, "the disk is gone"},
		{broken, "/v1/attacks?limit=3", 500, "the disk is gone"},
		{broken, "/v1/samples?id=3", 500, "the disk is gone"},
		{fakeArchive{}, "/v1/attacks?limit=0", 400, "out of range; it must be a number from 1 to 1000"},
		{fakeArchive{}, "/v1/attacks?limit=1001", 400, "out of range; it must be a number from 1 to 1000"},
		{fakeArchive{}, "/v1/attacks?before=x", 400, "must be a number of 1 or more"},
	} {
		srv := archiving(fakeArchive{})
		srv.archive = c.archive
		if w := ask(srv, &Peer{}, "GET", c.path); w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d: %s", c.path, w.Code, w.Body)
		}
	}
}

func TestMergedSampleIsTheWorst(t *testing.T) {
	a := Sample{Held: 5, Within: 4, Limited: 1, Blocks: 9, Opened: 1, SYNs: 2, Refused: 7, Queue: 1}
	a.Merge(&Sample{Held: 7, Within: 2, Limited: 3, Blocks: 8, Opened: 5, SYNs: 1, Refused: 8, Queue: 0})
	if want := (Sample{Held: 7, Within: 2, Limited: 3, Blocks: 9, Opened: 5, SYNs: 2, Refused: 8, Queue: 1}); a != want {
		t.Errorf("merged %+v, want %+v", a, want)
	}
}

// TestSlowDiskHoldsUpNothingElse: while one question is put to the archive, others of the disk are refused in time,
// and what is in memory is answered.
func TestSlowDiskHoldsUpNothingElse(t *testing.T) {
	srv := archiving(fakeArchive{})
	srv.PublishSources(listed)
	explain := func(netip.Addr) *Explanation { return explained() }
	srv.PublishExplain(explain)
	srv.disk <- struct{}{}
	for _, path := range []string{"/v1/explain?address=203.0.113.7", "/v1/sources", "/v1/attacks", "/v1/attacks?id=41", "/v1/attacks?open=true"} {
		if w := ask(srv, &Peer{}, "GET", path); w.Code != http.StatusOK {
			t.Errorf("%s while the disk hangs: %d %s", path, w.Code, w.Body)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		srv := archiving(fakeArchive{})
		srv.disk <- struct{}{}
		for _, path := range []string{"/v1/attacks?limit=3", "/v1/attacks?id=3", "/v1/samples?id=3"} {
			began := time.Now()
			w := ask(srv, &Peer{}, "GET", path)
			if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "too many want what is on the disk") || time.Since(began) != turnTimeout {
				t.Errorf("%s while the disk hangs: %d %s after %s", path, w.Code, w.Body, time.Since(began))
			}
		}
	})
}
