package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxProcFile bounds a file of /proc. ip_local_reserved_ports may be the longest.
const maxProcFile = 512 << 10

// procfs is where proc(5) is mounted, or a tree that stands in for it.
type procfs string

func (p procfs) read(path string) (string, error) {
	file, err := os.Open(filepath.Join(string(p), path))
	if err != nil {
		return "", err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxProcFile+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxProcFile {
		return "", fmt.Errorf("it is longer than the %d bytes that are read", maxProcFile)
	}
	return string(b), nil
}

// settings reads the sysctls.
func (p procfs) settings(f *Facts) {
	if text, err := p.read("sys/kernel/osrelease"); err == nil {
		f.Kernel = clip(text)
	}
	f.Sysctls = make(map[string][]uint64)
	for _, spec := range sysctlSpecs() {
		text, err := p.read(sysctlPath(spec.name))
		if errors.Is(err, fs.ErrNotExist) {
			if spec.absent != "" {
				f.unread(spec.name, spec.absent)
			}
			continue
		}
		var numbers []uint64
		if err == nil {
			numbers, err = parseNumbers(text, spec.numbers)
		}
		if err != nil {
			f.unread(spec.name, cause(err))
			continue
		}
		f.Sysctls[spec.name] = numbers
	}
	text, err := p.read(sysctlPath(reservedPorts))
	if err == nil {
		f.Reserved, err = parsePorts(text)
	}
	if err != nil {
		f.unread(reservedPorts, cause(err))
	}
}

func sysctlPath(name string) string { return "sys/" + strings.ReplaceAll(name, ".", "/") }

// The files of /proc/net, by way of the calling thread: /proc/net itself is that of the process.
const (
	netstatFile  = "thread-self/net/netstat"
	sockstatFile = "thread-self/net/sockstat"
	synProxyFile = "thread-self/net/stat/synproxy"
)

// counters reads the counters and notes those this kernel does not have.
func (p procfs) counters(f *Facts) map[string]uint64 {
	want := counterColumns()
	text, err := p.read(netstatFile)
	var out map[string]uint64
	if err == nil {
		out, err = parseNetstat(text, want)
	}
	if err != nil {
		f.unread("/proc/net/netstat", cause(err))
		return nil
	}
	for _, name := range want {
		if _, ok := out[name]; !ok {
			f.unread("/proc/net/netstat", "this kernel does not count "+name)
		}
	}
	return out
}

// sockets reads what all TCP sockets take together.
func (p procfs) sockets(f *Facts) {
	text, err := p.read(sockstatFile)
	if err == nil {
		f.Sockets, err = parseSockstat(text)
	}
	if err != nil {
		f.unread("/proc/net/sockstat", cause(err))
	}
}

// synProxy reads how much SYNPROXY has done. Its statistics come with its module, whose absence is
// no finding.
func (p procfs) synProxy(f *Facts) {
	text, err := p.read(synProxyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		f.SynProxied, err = parseSynProxy(text)
	}
	if err != nil {
		f.unread("/proc/net/stat/synproxy", cause(err))
	}
}
