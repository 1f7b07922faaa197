package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// proc is the directory of one process in a made-up /proc.
type proc struct {
	pid   int
	files map[string]string
	links map[string]string
}

// makeProc writes a /proc with the given processes and things that are none.
func makeProc(t *testing.T, procs ...proc) string {
	t.Helper()
	root := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(filepath.Join(root, "sys"), 0o755))
	must(os.WriteFile(filepath.Join(root, "uptime"), []byte("1 1\n"), 0o644))
	for _, p := range procs {
		dir := filepath.Join(root, fmt.Sprint(p.pid))
		must(os.MkdirAll(filepath.Join(dir, "fd"), 0o755))
		for name, text := range p.files {
			must(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		}
		for name, to := range p.links {
			must(os.Symlink(to, filepath.Join(dir, name)))
		}
	}
	return root
}

const limitsFile = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            %-20s 524288               files     
Max realtime timeout      unlimited            unlimited            us        
`

func set(inodes ...uint32) map[uint32]struct{} {
	m := make(map[uint32]struct{})
	for _, i := range inodes {
		m[i] = struct{}{}
	}
	return m
}

func TestHoldersOfAMadeUpProc(t *testing.T) {
	root := makeProc(t,
		proc{1200, map[string]string{"comm": "nginx\n", "cgroup": "0::/system.slice/nginx.service\n", "limits": fmt.Sprintf(limitsFile, "1024")},
			map[string]string{"exe": "/usr/sbin/nginx", "fd/0": "/dev/null", "fd/5": "socket:[77]", "fd/6": "socket:[78]", "fd/9": "socket:[77]"}},
		proc{90, map[string]string{"comm": "nginx\n", "cgroup": "0::/system.slice/nginx.service\n", "limits": fmt.Sprintf(limitsFile, "unlimited")},
			map[string]string{"exe": "/usr/sbin/nginx", "fd/5": "socket:[77]"}},
		// New kernels add lines and fields, old ones lack them; a process names itself as it likes.
		proc{300, map[string]string{"comm": "ev\x1b[2Jil\xff\n", "cgroup": "what is this\n", "limits": "Limit\nsomething quite new\n"},
			map[string]string{"fd/3": "socket:[4294967295]"}},
		proc{301, nil, map[string]string{"fd/3": "socket:[80]"}},
		proc{302, map[string]string{"comm": "other\n"},
			map[string]string{"fd/1": "socket:[99]", "fd/2": "pipe:[77]", "fd/3": "socket:[77", "fd/4": "/a/very/long/path/that/begins/socket:[77]/and/goes/on/and/on/beyond/the/buffer"}},
	)
	got, hidden, err := holders(t.Context(), root, set(77, 78, 80, 81, 4294967295))
	if err != nil || hidden != 0 {
		t.Fatalf("hidden %d, error %v", hidden, err)
	}
	master := Holder{PID: 90, Name: "nginx", Exe: "/usr/sbin/nginx", Unit: "nginx.service", FileLimit: Unlimited, Files: 1}
	worker := Holder{PID: 1200, Name: "nginx", Exe: "/usr/sbin/nginx", Unit: "nginx.service", FileLimit: 1024, Files: 4}
	want := map[uint32][]Holder{
		77:         {master, worker},
		78:         {worker},
		80:         {{PID: 301, Files: 1}},
		4294967295: {{PID: 300, Name: `ev\x1b[2Jil\xff`, Files: 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHoldersAreBounded(t *testing.T) {
	var procs []proc
	for pid := 1; pid <= MaxHolders+10; pid++ {
		procs = append(procs, proc{pid, nil, map[string]string{"fd/3": "socket:[5]"}})
	}
	got, _, err := holders(t.Context(), makeProc(t, procs...), set(5))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got[5]); n != MaxHolders || got[5][n-1].PID != MaxHolders {
		t.Errorf("%d holders, want those with the %d lowest numbers", n, MaxHolders)
	}
}

func TestHoldersWithoutInodesReadNothing(t *testing.T) {
	got, hidden, err := holders(t.Context(), "/nonexistent", nil)
	if len(got) != 0 || hidden != 0 || err != nil {
		t.Errorf("got %v, %d, %v", got, hidden, err)
	}
}

func TestHoldersWithoutProc(t *testing.T) {
	if _, _, err := holders(t.Context(), "/nonexistent", set(1)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want an error that says the directory is missing", err)
	}
}

func TestHoldersStopWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	root := makeProc(t, proc{1, nil, map[string]string{"fd/3": "socket:[5]"}})
	if got, _, err := holders(ctx, root, set(5)); !errors.Is(err, context.Canceled) || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

// A process whose fd directory is missing has ended between the list and the look.
func TestHoldersPassOverAProcessThatIsGone(t *testing.T) {
	root := makeProc(t, proc{1, nil, nil}, proc{2, nil, map[string]string{"fd/3": "socket:[5]"}})
	if err := os.Remove(filepath.Join(root, "1", "fd")); err != nil {
		t.Fatal(err)
	}
	got, hidden, err := holders(t.Context(), root, set(5))
	if err != nil || hidden != 0 || len(got[5]) != 1 {
		t.Errorf("got %v, hidden %d, %v", got, hidden, err)
	}
}
