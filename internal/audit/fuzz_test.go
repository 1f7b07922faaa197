package audit

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// seed gives the real files of this kernel to a fuzzer as well.
func seed(f *testing.F, paths ...string) {
	for _, path := range paths {
		if b, err := os.ReadFile(path); err == nil {
			f.Add(string(b))
		}
	}
}

func FuzzNetstat(f *testing.F) {
	seed(f, "/proc/thread-self/net/netstat", "/proc/thread-self/net/snmp")
	f.Add("TcpExt: ListenDrops\nTcpExt: 5\n")
	f.Fuzz(func(t *testing.T, text string) {
		want := counterColumns()
		got, err := parseNetstat(text, want)
		if err != nil && got != nil {
			t.Errorf("counters with the error %v", err)
		}
		for name := range got {
			if !slices.Contains(want, name) || !strings.Contains(text, name) {
				t.Errorf("%q was not asked for, or is not there", name)
			}
		}
	})
}

func FuzzSockstat(f *testing.F) {
	seed(f, "/proc/thread-self/net/sockstat", "/proc/thread-self/net/sockstat6")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseSockstat(text)
		if err == nil && !strings.Contains(text, "TCP:") {
			t.Errorf("%v out of nothing", got)
		}
	})
}

func FuzzSynProxy(f *testing.F) {
	seed(f, "/proc/thread-self/net/stat/synproxy")
	f.Add("entries syn_received\n0 ff\n")
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := parseSynProxy(text); n > 0 && err == nil && !strings.Contains(text, "syn_received") {
			t.Errorf("%d out of nothing", n)
		}
	})
}

func FuzzNumbers(f *testing.F) {
	f.Add("32768\t60999\n", 2)
	f.Fuzz(func(t *testing.T, text string, want int) {
		if want < 0 || want > 8 {
			return
		}
		if got, err := parseNumbers(text, want); err == nil && len(got) != want {
			t.Errorf("%d numbers, want %d", len(got), want)
		}
	})
}

func FuzzPorts(f *testing.F) {
	f.Add("8080,9000-9010\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parsePorts(text)
		if err != nil {
			return
		}
		again, err := parsePorts(formatPorts(got))
		if err != nil || !slices.Equal(got, again) {
			t.Errorf("%v came back as %v, %v", got, again, err)
		}
	})
}

func FuzzSettings(f *testing.F) {
	f.Add("# x\n-net/ipv4/tcp_tw_reuse = 1\nnet.core.somaxconn=65535 ; y\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Count(text, "\n") + 1
		last := 0
		for _, s := range parseSettings(text) {
			if s.Name == "" || s.Line <= last || s.Line > lines {
				t.Errorf("%+v after line %d of %d", s, last, lines)
			}
			last = s.Line
		}
	})
}
