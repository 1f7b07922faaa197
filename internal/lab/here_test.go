package lab

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestHereIsWhereTheProcessStarted(t *testing.T) {
	checkLeaks(t, func() {
		n, closeHere, err := Here("here")
		if err != nil {
			t.Fatal(err)
		}
		var inside, started unix.Stat_t
		if err := n.Do(func() error { return unix.Stat("/proc/thread-self/ns/net", &inside) }); err != nil {
			t.Error(err)
		}
		if err := unix.Stat("/proc/self/ns/net", &started); err != nil {
			t.Fatal(err)
		}
		if inside.Ino != started.Ino || inside.Dev != started.Dev {
			t.Error("Do runs in another network namespace")
		}
		if n.String() != "here" {
			t.Errorf("it is called %q", n)
		}
		if err := errors.Join(closeHere(), closeHere()); err != nil {
			t.Error(err)
		}
		if err := n.Do(func() error { return os.ErrInvalid }); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v after close, want that it is closed", err)
		}
	})
}
