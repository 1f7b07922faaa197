package fault

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ebbgate/internal/ctnetlink"
	"ebbgate/internal/inetdiag"
	"ebbgate/internal/nftwire"
	"ebbgate/internal/nlwire"
	"ebbgate/internal/nstest"
)

// probeEnv makes the test's binary a program that makes the calls it is told to.
const probeEnv = "EBBGATE_FAULT_PROBE"

func TestMain(m *testing.M) {
	Launch()
	if os.Getenv(probeEnv) != "" {
		probe()
		return
	}
	os.Exit(m.Run())
}

// probe makes a call for each line of its input and prints a line with its outcome.
func probe() {
	var p parts
	p.open()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		said := "ok"
		if err := p.do(strings.Fields(lines.Text())); err != nil {
			said = err.Error()
		}
		fmt.Println(strings.ReplaceAll(said, "\n", "; "))
	}
}

// parts are the probe's connections to the kernel.
type parts struct {
	route, tables *nlwire.Conn
	diag          *inetdiag.Conn
	tracks        *ctnetlink.Conn
	groups        *inetdiag.Subscription
	rules         *nftwire.Socket
}

func (p *parts) open() {
	var errs [6]error
	p.route, errs[0] = nlwire.Open(unix.NETLINK_ROUTE)
	p.tables, errs[1] = nlwire.Open(unix.NETLINK_NETFILTER)
	p.diag, errs[2] = inetdiag.Open()
	p.tracks, errs[3] = ctnetlink.Open()
	p.groups, errs[4] = inetdiag.Subscribe()
	p.rules, errs[5] = nftwire.Open()
	for _, err := range errs {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func (p *parts) do(words []string) error {
	switch words[0] {
	case "route":
		return p.route.Do(&nlwire.Request{Type: unix.RTM_GETLINK, Dump: true, Body: make([]byte, unix.SizeofIfInfomsg), Answer: unix.RTM_NEWLINK}, accept)
	case "tables":
		const get, table = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETCHAIN, unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWCHAIN
		return p.tables.Do(&nlwire.Request{Type: get, Dump: true, Body: make([]byte, nlwire.NetfilterHeader), Answer: table}, accept)
	case "diag":
		return p.diag.Dump(inetdiag.Request{Family: unix.AF_INET, States: inetdiag.StatesOf(inetdiag.Listen)}, func(*inetdiag.Socket) {})
	case "conntrack":
		return p.tracks.Dump(ctnetlink.Request{}, func(*ctnetlink.Entry) {})
	case "join":
		return p.groups.Listen(true)
	case "hear":
		_, err := p.groups.Read(1, func(*inetdiag.Socket) {})
		return err
	case "commit":
		return p.commit()
	case "socket":
		conn, err := nlwire.Open(unix.NETLINK_ROUTE)
		if err == nil {
			err = conn.Close()
		}
		return err
	case "read":
		_, err := os.ReadFile(words[1])
		return err
	case "write":
		return os.WriteFile(words[1], []byte("something of some length"), 0o600)
	case "time":
		return fmt.Errorf("%d", time.Now().Unix())
	}
	return fmt.Errorf("no such order: %q", words)
}

func accept([]byte) bool { return true }

// commit makes a table with two chains and removes it again.
func (p *parts) commit() error {
	var b nftwire.Batch
	table := func(kind, flags uint16) {
		b.Begin(kind, flags)
		b.Text(unix.NFTA_TABLE_NAME, "probe")
	}
	table(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE)
	for _, name := range []string{"one", "two"} {
		b.Begin(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE)
		b.Text(unix.NFTA_CHAIN_TABLE, "probe")
		b.Text(unix.NFTA_CHAIN_NAME, name)
	}
	table(unix.NFT_MSG_DELTABLE, 0)
	err := p.rules.Commit(&b)
	if r, ok := err.(*nftwire.Refusal); ok {
		return fmt.Errorf("message %d: %w", r.Message, r)
	}
	return err
}

// probed is a running probe and its injector.
type probed struct {
	*Injector
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

// start starts a probe in a network namespace of its own.
func start(t *testing.T, clock bool) *probed {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), probeEnv+"=1"), os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	i, err := Command(cmd, clock)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		if err := i.Close(); err == nil {
			t.Error("no launcher was there, and nothing is wrong")
		}
		nstest.Refuse(t, err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the probe ended with %v", err)
		}
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	})
	return &probed{i, t, in, bufio.NewScanner(out)}
}

// do has the probe make a call and returns what it says of it.
func (p *probed) do(order string) string {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, order); err != nil {
		p.t.Fatal(err)
	}
	if !p.out.Scan() {
		p.t.Fatalf("the probe ended at %q: %v", order, p.out.Err())
	}
	return p.out.Text()
}
