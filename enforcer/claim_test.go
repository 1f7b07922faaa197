package enforcer

import (
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/nstest"
)

func TestASecondDaemonIsRefusedInPeace(t *testing.T) {
	nstest.Enter(t)
	tb, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	second, err := Open()
	if !errors.Is(err, ErrTableHeld) || !strings.Contains(err.Error(), "pid "+strconv.Itoa(os.Getpid())) {
		t.Errorf("Open = %v, want ErrTableHeld with our pid", err)
	}
	if err == nil {
		_ = second.Close()
	}
	// However often it is tried: every attempt connects, and connections queue up somewhere.
	for range 300 {
		if _, err := claim(); !errors.Is(err, ErrTableHeld) {
			t.Fatalf("claim = %v", err)
		}
	}
	if err := tb.close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open()
	if err != nil {
		t.Fatalf("after the first is gone: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestAStrangersSocketKeepsNobodyFromStarting(t *testing.T) {
	nstest.Enter(t)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	// Bound, but not listening: the kernel tells nobody whose it is, as with a stranger's.
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: claimName}); err != nil {
		t.Fatal(err)
	}
	tb, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := tb.Close(); err != nil {
		t.Error(err)
	}
}

// TestWhoAsksWithoutEndCostsLittle: any user may ask who holds the claim, and is answered once a millisecond.
func TestWhoAsksWithoutEndCostsLittle(t *testing.T) {
	nstest.Enter(t)
	l, err := claim()
	if err != nil || l == nil {
		t.Fatalf("claim = %v, %v", l, err)
	}
	defer l.Close()
	const asked = 50
	began := time.Now()
	for range asked {
		c, err := net.Dial("unix", claimName)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("who asks is told %v, want the end of the connection", err)
		}
		_ = c.Close()
	}
	if took := time.Since(began); took < (asked-1)*claimPause {
		t.Errorf("%d were answered in %v", asked, took)
	}
}

func TestNamespacesDoNotKnowEachOther(t *testing.T) {
	open(t)
	done := make(chan error)
	go func() {
		// A thread of its own, in a namespace of its own; it dies with its goroutine.
		done <- inOwnNamespace(func() error {
			tb, err := Open()
			if err != nil {
				return err
			}
			return tb.Close()
		})
	}()
	if err := <-done; err != nil {
		t.Errorf("in another network namespace: %v", err)
	}
}
