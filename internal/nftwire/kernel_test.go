package nftwire

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nlwire"
	"ebbgate/internal/nstest"
)

// tableOwner is NFT_TABLE_F_OWNER of linux/netfilter/nf_tables.h, missing in x/sys.
const tableOwner = 2

// enter returns a Socket in a network namespace of the test's own.
func enter(tb testing.TB) *Socket {
	tb.Helper()
	nstest.Enter(tb)
	s, err := Open()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() }) // most tests close it before
	return s
}

func table(b *Batch, name string, flags uint32) {
	b.Begin(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE)
	b.Text(unix.NFTA_TABLE_NAME, name)
	b.Uint32(unix.NFTA_TABLE_FLAGS, flags)
}

// set adds a set of IPv4 addresses with timeouts to table "t".
func set(b *Batch, name string, size uint32) {
	b.Begin(unix.NFT_MSG_NEWSET, unix.NLM_F_CREATE)
	b.Text(unix.NFTA_SET_TABLE, "t")
	b.Text(unix.NFTA_SET_NAME, name)
	b.Uint32(unix.NFTA_SET_FLAGS, unix.NFT_SET_TIMEOUT)
	b.Uint32(unix.NFTA_SET_KEY_TYPE, 7)
	b.Uint32(unix.NFTA_SET_KEY_LEN, 4)
	b.Uint32(unix.NFTA_SET_ID, 1)
	desc := b.Nest(unix.NFTA_SET_DESC)
	b.Uint32(unix.NFTA_SET_DESC_SIZE, size)
	b.Unnest(desc)
}

func listing(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("nft", "list", "ruleset").CombinedOutput()
	if err != nil {
		t.Fatalf("nft: %v\n%s", err, out)
	}
	return string(out)
}

func commit(t *testing.T, s *Socket, b *Batch) {
	t.Helper()
	if err := s.Commit(b); err != nil {
		t.Fatal(err)
	}
	b.Reset()
}

func TestCommitHolds(t *testing.T) {
	s := enter(t)
	var b Batch
	commit(t, s, &b) // empty: not sent
	table(&b, "t", 0)
	set(&b, "s", 20_000)
	w := b.AddElements("t", "s")
	var key [4]byte
	for i := range 10_000 {
		key = [4]byte{10, 0, byte(i >> 8), byte(i)}
		w.Put(&Element{Key: key[:], Timeout: 3600e9})
	}
	w.End()
	commit(t, s, &b)
	got := listing(t)
	if n := strings.Count(got, "timeout 1h"); n != 10_000 || !strings.Contains(got, "10.0.39.15 timeout 1h") {
		t.Errorf("nft lists %d elements", n)
	}
	w = b.DeleteElements("t", "s")
	for i := range 9_999 {
		key = [4]byte{10, 0, byte(i >> 8), byte(i)}
		w.Put(&Element{Key: key[:]})
	}
	w.End()
	commit(t, s, &b)
	if got := listing(t); strings.Count(got, "timeout 1h") != 1 {
		t.Errorf("nft lists:\n%s", got)
	}
	w = b.DestroyElements("t", "s") // of which one is there
	for i := range 10_000 {
		key = [4]byte{10, 0, byte(i >> 8), byte(i)}
		w.Put(&Element{Key: key[:]})
	}
	w.End()
	if err := s.Commit(&b); errors.Is(err, unix.EINVAL) && os.Getenv("CI") == "" {
		t.Skip("this kernel does not know how to destroy elements (Linux 6.3)")
	} else if err != nil {
		t.Fatal(err)
	}
	if got := listing(t); strings.Contains(got, "timeout 1h") {
		t.Errorf("nft lists:\n%s", got)
	}
}

// TestRefusalNamesTheMessage: the first message at fault, and the element.
func TestRefusalNamesTheMessage(t *testing.T) {
	s := enter(t)
	var b Batch
	table(&b, "t", 0)
	set(&b, "s", 3)
	commit(t, s, &b)
	bad := func(build func(b *Batch)) *Refusal {
		t.Helper()
		build(&b)
		defer b.Reset()
		var r *Refusal
		if err := s.Commit(&b); !errors.As(err, &r) {
			t.Fatalf("got %v, want a refusal", err)
		}
		return r
	}
	missing := func(b *Batch) {
		b.Begin(unix.NFT_MSG_DELCHAIN, 0)
		b.Text(unix.NFTA_CHAIN_TABLE, "t")
		b.Text(unix.NFTA_CHAIN_NAME, "nowhere")
	}
	if r := bad(func(b *Batch) { table(b, "other", 0); missing(b); missing(b) }); r.Message != 1 || r.Errno != unix.ENOENT {
		t.Errorf("a missing chain: %+v", r)
	}
	keys := [][]byte{{192, 0, 2, 1}, {192, 0, 2, 2}, {192, 0, 2, 3}, {192, 0, 2, 4}}
	r := bad(func(b *Batch) {
		table(b, "other", 0)
		w := b.AddElements("t", "s")
		for _, k := range keys {
			w.Put(&Element{Key: k})
		}
		w.End()
	})
	if r.Message != 1 || r.Errno != unix.ENFILE {
		t.Errorf("a full set: %+v", r)
	}
	r = bad(func(b *Batch) {
		w := b.DeleteElements("t", "s")
		w.Put(&Element{Key: keys[0]})
		w.End()
		defer func() {
			// The batch is as it was sent.
			if err := s.Commit(b); !errors.As(err, &r) {
				t.Errorf("sent again: %v", err)
			} else if key := b.KeyAt(r.Message, r.Offset); string(key) != string(keys[0]) {
				t.Errorf("the element at fault is %v (%+v)", key, r)
			}
		}()
	})
	if r.Message != 0 || r.Errno != unix.ENOENT {
		t.Errorf("a missing element: %+v", r)
	}
	if got := listing(t); strings.Contains(got, "other") || strings.Contains(got, "192.0.2") {
		t.Errorf("something of a refused transaction holds:\n%s", got)
	}
	// A thousand refusals do not fit into the queue, and the socket works on.
	r = bad(func(b *Batch) {
		for range 5000 {
			missing(b)
		}
	})
	if r.Message != 0 || r.Errno != unix.ENOENT {
		t.Errorf("5,000 missing chains: %+v", r)
	}
	table(&b, "after", 0)
	commit(t, s, &b)
}

// TestTheSocketIsHandedOver: the table belongs to whoever holds the socket, under any number, and
// goes with the last holder.
func TestTheSocketIsHandedOver(t *testing.T) {
	s := enter(t)
	var b Batch
	table(&b, "t", tableOwner)
	commit(t, s, &b)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	high := min(5000, int(limit.Cur)-1)
	fd, err := unix.FcntlInt(uintptr(s.FD()), unix.F_DUPFD, high)
	if err != nil {
		t.Fatal(err)
	}
	port := s.PortID()
	table(&b, "unread", tableOwner) // an answer the next holder must not take for its own
	b.buf = b.seal(1)
	if err := nlwire.Send(s.fd, b.buf); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	next, err := FromFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	if next.PortID() != port || port == 0 || next.FD() < 1024 {
		t.Errorf("port %d, want %d; descriptor %d", next.PortID(), port, next.FD())
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("a child would inherit the socket: %x, %v", flags, err)
	}
	set(&b, "s", 10)
	commit(t, next, &b)
	if err := exec.Command("nft", "delete", "table", "inet", "t").Run(); err == nil {
		t.Error("somebody else could delete the table")
	}
	if got := listing(t); !strings.Contains(got, "set s") || !strings.Contains(got, "unread") {
		t.Errorf("nft lists:\n%s", got)
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	nstest.Await(t, "the tables to vanish with the socket", func() bool { return listing(t) == "" })
}

func TestFromFDTakesNothingElse(t *testing.T) {
	enter(t)
	file, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fds := map[string]int{"a file": int(file.Fd()), "nothing": 1 << 20}
	for name, s := range map[string]struct{ family, kind, protocol int }{
		"a unix socket":             {unix.AF_UNIX, unix.SOCK_STREAM, 0},
		"another netlink":           {unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE},
		"a socket that has no port": {unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER},
	} {
		fd, err := unix.Socket(s.family, s.kind|unix.SOCK_CLOEXEC, s.protocol)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		fds[name] = fd
	}
	for name, fd := range fds {
		if s, err := FromFD(fd); !errors.Is(err, ErrNotOurs) {
			t.Errorf("%s: %+v, %v; want ErrNotOurs", name, s, err)
		}
	}
	if _, err := file.Stat(); err != nil {
		t.Errorf("what was not taken is closed: %v", err)
	}
}

func TestFromFDTakesNoOtherNamespace(t *testing.T) {
	s := enter(t)
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread dies with its goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			_, err = FromFD(s.FD())
		}
		done <- err
	}()
	if err := <-done; !errors.Is(err, ErrNotOurs) {
		t.Errorf("got %v, want ErrNotOurs", err)
	}
}

func TestATooLargeTransactionIsNotSent(t *testing.T) {
	s := enter(t)
	if err := s.reserve(mostBatch + 1); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("got %v", err)
	}
	if err := s.reserve(mostBatch); err != nil {
		t.Errorf("the largest: %v", err)
	}
}
