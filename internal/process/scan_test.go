package process

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"nginx": "nginx", "Größe 数": "Größe 数", "a\tb\n": "a?b?", "\x1b]0;x\a": "?]0;x?", "\xff\xfe": "??", "\u202eab": "?ab", "": "",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

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

func FuzzPrintable(f *testing.F) {
	f.Add("nginx: worker\x1b[31m")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range Printable(s) {
			if !unicode.IsPrint(r) {
				t.Errorf("%q keeps %q", s, r)
			}
		}
	})
}
