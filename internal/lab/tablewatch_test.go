package lab

import (
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
)

// tables opens a connection by which the test adds and removes tables in a namespace.
func tables(t *testing.T, n *Namespace) *nftables.Conn {
	t.Helper()
	var conn *nftables.Conn
	err := n.Do(func() (err error) {
		conn, err = nftables.New(nftables.AsLasting())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseLasting() })
	return conn
}

func TestTableWatch(t *testing.T) {
	l := newLab(t)
	conn := tables(t, l.Victim)
	w := must(WatchTable(t.Context(), l.Victim, "ebbgate", time.Millisecond))(t)
	elsewhere := must(WatchTable(t.Context(), l.Clients, "ebbgate", time.Millisecond))(t)
	if w.Present() || len(w.Presences()) != 0 {
		t.Fatalf("present in a new namespace: %v", w.Presences())
	}
	conn.AddTable(&nftables.Table{Name: "ebbgate", Family: nftables.TableFamilyIPv4}) // another family
	conn.AddTable(&nftables.Table{Name: "ebbgate2", Family: nftables.TableFamilyINet})
	before := time.Now()
	for round := 1; round <= 2; round++ {
		table := conn.AddTable(&nftables.Table{Name: "ebbgate", Family: nftables.TableFamilyINet})
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
		await(t, "the table is seen", w.Present)
		conn.DelTable(table)
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
		await(t, "the table is gone", func() bool { return !w.Present() })
	}
	if err := w.Stop(); err != nil {
		t.Fatal(err)
	}
	got := w.Presences()
	if len(got) != 2 {
		t.Fatalf("%d presences: %v", len(got), got)
	}
	for _, p := range got {
		if p.Seen.Before(before) || !p.Gone.After(p.Seen) {
			t.Errorf("seen %v, gone %v, begun %v", p.Seen, p.Gone, before)
		}
		before = p.Gone
	}
	if elsewhere.Present() || len(elsewhere.Presences()) != 0 {
		t.Error("the clients' namespace shows the victim's table")
	}
}

func TestTableWatchSeesWhatIsThere(t *testing.T) {
	l := newLab(t)
	conn := tables(t, l.Victim)
	conn.AddTable(&nftables.Table{Name: "ebbgate", Family: nftables.TableFamilyINet})
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	w := must(WatchTable(t.Context(), l.Victim, "ebbgate", 0))(t)
	if !w.Present() {
		t.Error("the first look missed the table")
	}
	if _, err := WatchTable(t.Context(), l.Victim, "ebbgate", -1); err == nil || !strings.Contains(err.Error(), "negative") {
		t.Errorf("negative interval: %v", err)
	}
}

func TestTableWatchKeepsABoundedRecord(t *testing.T) {
	w := &TableWatch{}
	for i := range mostPresences + 5 {
		w.note(true, at(2*i))
		w.note(true, at(2*i))
		if !w.Present() {
			t.Fatalf("round %d: not present", i)
		}
		w.note(false, at(2*i+1))
		w.note(false, at(2*i+2))
	}
	got := w.Presences()
	if len(got) != mostPresences {
		t.Fatalf("%d presences kept", len(got))
	}
	last := mostPresences - 1
	if want := (Presence{Seen: at(2 * last), Gone: at(2*last + 1)}); got[last] != want {
		t.Errorf("the last kept is %v, want %v", got[last], want)
	}
}
