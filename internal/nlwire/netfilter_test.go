package nlwire

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestAppendNetfilter(t *testing.T) {
	got := string(AppendNetfilter([]byte("ab"), unix.NFPROTO_INET, unix.NFNL_SUBSYS_NFTABLES))
	if want := "ab\x01\x00\x00\x0a"; got != want || len(got) != 2+NetfilterHeader {
		t.Errorf("got %x, want %x", got, want)
	}
}
