package process

import (
	"fmt"
	"strings"
	"testing"
)

func TestSocketInode(t *testing.T) {
	for in, want := range map[string]uint32{"socket:[1]": 1, "socket:[4294967295]": 1<<32 - 1} {
		if got, ok := socketInode([]byte(in)); !ok || got != want {
			t.Errorf("%q: got %d, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "socket:[", "socket:[]", "socket:[1", "socket:1]", "socket:[4294967296]", "socket:[-1]", "socket:[1 ]", "pipe:[1]", "/socket:[1]", "socket:[1]x"} {
		if got, ok := socketInode([]byte(in)); ok {
			t.Errorf("%q is taken for socket %d", in, got)
		}
	}
}

func FuzzSocketInode(f *testing.F) {
	f.Add("socket:[123]")
	f.Add("anon_inode:[eventpoll]")
	f.Fuzz(func(t *testing.T, link string) {
		inode, ok := socketInode([]byte(link))
		if ok && strings.TrimLeft(strings.TrimPrefix(link, "socket:["), "0") != strings.TrimPrefix(fmt.Sprintf("%d]", inode), "0") {
			t.Errorf("%q was read as %d", link, inode)
		}
	})
}
