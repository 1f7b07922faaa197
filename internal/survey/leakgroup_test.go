package survey

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ebbgate/internal/process"
)

func TestLeaksAreGroupedByProgramAndPlace(t *testing.T) {
	in, db := place{port: 443}, place{remote: netip.MustParseAddrPort("10.0.0.9:5432")}
	worker := func(pid, files int) process.Holder {
		return process.Holder{PID: pid, Name: "gunicorn", Unit: "app.service", Files: files, FileLimit: 1024}
	}
	l := Leaks{sockets: []leaked{
		{place: in, inode: 1, uid: 33, accepted: true, age: 2 * time.Minute},
		{place: in, inode: 2, uid: 33, accepted: true, unread: true, age: 9 * time.Minute},
		{place: in, inode: 3, uid: 33, accepted: true, age: 3 * time.Minute},
		{place: in, inode: 9, uid: 33, unread: true, age: time.Minute}, // in the accept queue: the listener's inode
		{place: db, inode: 4, uid: 33, accepted: true, age: time.Minute},
		{place: in, inode: 5, uid: 1000, accepted: true, age: time.Minute}, // nobody we may see
		{place: in, inode: 6, uid: 33, accepted: true, age: time.Minute},
	}}
	set := make(map[uint32]struct{})
	l.inodes(set)
	if len(set) != 7 {
		t.Errorf("asks for %d inodes", len(set))
	}
	l.fill(map[uint32][]process.Holder{
		1: {worker(100, 50)}, 2: {worker(101, 90)}, 3: {worker(100, 50)}, 4: {worker(101, 90)},
		6: {{PID: 200, Name: "other", Files: -1}}, 9: {worker(99, 10), worker(100, 50)},
	})
	want := []Leak{
		{Process: worker(101, 90), Processes: 3, UID: 33, Inbound: true, Port: 443, Sockets: 4, Unread: 1, NotAccepted: 1, Oldest: 9 * time.Minute},
		{UID: 1000, Inbound: true, Port: 443, Sockets: 1, Oldest: time.Minute},
		{Process: worker(101, 90), Processes: 1, UID: 33, Remote: db.remote, Sockets: 1, Oldest: time.Minute},
		{Process: process.Holder{PID: 200, Name: "other", Files: -1}, Processes: 1, UID: 33, Inbound: true, Port: 443, Sockets: 1, Oldest: time.Minute},
	}
	if diff := cmp.Diff(want, l.Groups, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		t.Error(diff)
	}
}
