package login

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestGroupsOf(t *testing.T) {
	r := host(t, map[string]string{
		"etc/passwd": "root:x:0:0::/root:/bin/sh\nada:x:1000:100:a,b:/home/ada:/bin/sh\nbob:x:1000:0::/:/bin/sh\nada:x:7:7::/:/bin/sh\n" +
			"short:x:8:8\n+nis:x:9:9::/:\n-nis:x:9:9::/:\nbad:x:x:1::/:/bin/sh\nnone:x:4294967295:0::/:/bin/sh\nlone:x:11:4242::/:/bin/sh\n#c:x:12:0::/:/bin/sh\n:x:13:0::/:/bin/sh\n",
		"etc/group": "root:x:0:\nusers:x:100:\nalso:x:100:ada\nsudo:x:27:ada,,ada,eve\nbad:x:x:ada\n+:::\nshort:x:1\nwheel:x:10:ada,bob",
	})
	if err := r.accounts.refresh(r); err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[uint32]string{0: "root", 1000: "also sudo users wheel", 7: "also sudo wheel", 8: "", 9: "", 11: "", 12: "", 13: "", 4294967295: "", 77: ""} {
		if got := strings.Join(r.accounts.groupsOf(uid), " "); got != want {
			t.Errorf("user %d: groups %q, want %q", uid, got, want)
		}
	}
	if uid, ok := r.accounts.uids["ada"]; !ok || uid != 1000 {
		t.Errorf("ada has id %d, the second entry's", uid)
	}
}

func TestAccountsChange(t *testing.T) {
	r := host(t, nil)
	group := filepath.Join(r.root, "etc/group")
	groups := func() []string {
		if err := r.accounts.refresh(r); err != nil {
			t.Fatal(err)
		}
		return r.accounts.groupsOf(1001)
	}
	if got := groups(); !slices.Equal(got, []string{"eve"}) {
		t.Fatalf("groups %v", got)
	}
	write(t, group+"+", strings.Replace(groupText, "wheel:x:10:ada", "wheel:x:10:eve", 1))
	if err := os.Rename(group+"+", group); err != nil {
		t.Fatal(err)
	}
	if got := groups(); !slices.Equal(got, []string{"eve", "wheel"}) {
		t.Errorf("after a change: groups %v", got)
	}
	// A file that is not believed any more says nothing.
	if err := os.Chmod(group, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := r.accounts.refresh(r); err == nil || r.accounts.groupsOf(1001) != nil {
		t.Errorf("everybody may write to it: groups %v, %v", r.accounts.groupsOf(1001), err)
	}
	if err := os.Chmod(group, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := groups(); !slices.Equal(got, []string{"eve", "wheel"}) {
		t.Errorf("when it is right again: groups %v", got)
	}
}

func TestAccountsMissing(t *testing.T) {
	r := host(t, map[string]string{sessionsDir + "1": record()})
	if err := os.RemoveAll(filepath.Join(r.root, "etc")); err != nil {
		t.Fatal(err)
	}
	got, err := r.Sessions(nil)
	if err == nil || len(got) != 1 || !got[0].Root || got[0].Groups != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}
