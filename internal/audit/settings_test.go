package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// tree writes files below a directory of the test's own.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestParseSettings(t *testing.T) {
	text := strings.Join([]string{
		"# net.core.somaxconn = 1", "; net.core.somaxconn = 2", "", "  net.core.somaxconn=3  ",
		"-net.ipv4.tcp_mem = 1\t2   3", "net/ipv4/tcp_tw_reuse = 1", "net/ipv4/conf/eth0.5/rp_filter = 0",
		"net.core.somaxconn", "= 5", "-", "net.ipv4.tcp_fin_timeout =", "a=b=c"}, "\r\n")
	want := []Setting{
		{"", 4, "net.core.somaxconn", "3"}, {"", 5, "net.ipv4.tcp_mem", "1 2 3"}, {"", 6, "net.ipv4.tcp_tw_reuse", "1"},
		{"", 7, "net.ipv4.conf.eth0/5.rp_filter", "0"}, {"", 11, "net.ipv4.tcp_fin_timeout", ""}, {"", 12, "a", "b=c"},
	}
	if got := parseSettings(text); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestReadSettings(t *testing.T) {
	root := tree(t, map[string]string{
		"etc/sysctl.d/50-a.conf":           "net.core.somaxconn = 1\nkernel.panic = 1\n",
		"usr/lib/sysctl.d/50-a.conf":       "net.core.somaxconn = 2\n", // hidden by that of /etc
		"run/sysctl.d/10-b.conf":           "net.core.somaxconn = 3\n",
		"usr/local/lib/sysctl.d/60-c.conf": "net.ipv4.tcp_tw_recycle = 1\x1b[31m\n",
		"usr/lib/sysctl.d/70-off.conf":     "net.core.somaxconn = 4\n",
		"etc/sysctl.d/README":              "net.core.somaxconn = 5\n",
		"etc/sysctl.conf":                  "\nnet.core.somaxconn = 6\n",
		"etc/sysctl.d/95-long.conf":        strings.Repeat("#", maxSettingBytes+1),
	})
	if err := os.Symlink("../sysctl.conf", filepath.Join(root, "etc/sysctl.d/99-sysctl.conf")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/null", filepath.Join(root, "etc/sysctl.d/70-off.conf")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(root, "etc/sysctl.d/80-fifo.conf"), 0o600); err != nil {
		t.Fatal(err)
	}
	var f Facts
	f.readSettings(root)
	want := []Setting{
		{"/run/sysctl.d/10-b.conf", 1, somaxconn, "3"},
		{"/etc/sysctl.d/50-a.conf", 1, somaxconn, "1"},
		{"/usr/local/lib/sysctl.d/60-c.conf", 1, tcpTwRecycle, `1\x1b[31m`},
		{"/etc/sysctl.d/99-sysctl.conf", 2, somaxconn, "6"}, // once, though it has two names
	}
	if !slices.Equal(f.Settings, want) {
		t.Errorf("got  %v\nwant %v", f.Settings, want)
	}
	unread := []Unread{
		{"/etc/sysctl.d/80-fifo.conf", "it is no regular file"},
		{"/etc/sysctl.d/95-long.conf", "it is longer than the 262144 bytes that are read"},
	}
	if !slices.Equal(f.Unread, unread) {
		t.Errorf("unread %v, want %v", f.Unread, unread)
	}
	if s, ok := f.setting(somaxconn); !ok || s.Value != "6" {
		t.Errorf("%v takes effect, want the last", s)
	}
}

func TestSettingsAreBounded(t *testing.T) {
	files := map[string]string{"etc/sysctl.d/many.conf": strings.Repeat("net.core.somaxconn = 1\n", maxSettings+1)}
	var f Facts
	f.readSettings(tree(t, files))
	if len(f.Settings) != maxSettings || len(f.Unread) != 1 || !strings.Contains(f.Unread[0].Reason, "more than 1024 settings") {
		t.Errorf("%d settings, unread %v", len(f.Settings), f.Unread)
	}
	files = make(map[string]string)
	for i := range maxSettingFiles + 1 {
		files[fmt.Sprintf("etc/sysctl.d/%03d.conf", i)] = "net.core.somaxconn = 1\n"
	}
	f = Facts{}
	f.readSettings(tree(t, files))
	if len(f.Settings) != maxSettingFiles || len(f.Unread) != 1 || !strings.Contains(f.Unread[0].Reason, "257 files") {
		t.Errorf("%d settings, unread %v", len(f.Settings), f.Unread)
	}
}

func TestNoSettingsAnywhere(t *testing.T) {
	var f Facts
	f.readSettings(t.TempDir())
	if len(f.Settings) != 0 || len(f.Unread) != 0 {
		t.Errorf("%v, unread %v", f.Settings, f.Unread)
	}
}
