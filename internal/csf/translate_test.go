package csf_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"ebbgate/internal/csf"
	"ebbgate/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

// translate reads the configuration of a directory of testdata.
func translate(t *testing.T, dir string) *csf.Import {
	t.Helper()
	path := filepath.Join("testdata", dir)
	text, err := os.ReadFile(filepath.Join(path, "csf.conf"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := csf.Translate(csf.Source{Name: "/etc/csf/csf.conf", Text: text}, os.DirFS(path), "/etc/csf")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// of translates a configuration that is TCP_IN and these lines, with these lists.
func of(t *testing.T, conf string, lists map[string]string) (*csf.Import, *policy.Policy) {
	t.Helper()
	dir := fstest.MapFS{}
	for name, text := range lists {
		dir[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o600}
	}
	m, err := csf.Translate(csf.Source{Name: "csf.conf", Text: []byte("TCP_IN = \"22,80\"\n" + conf)}, dir, "/etc/csf")
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse("p", []byte(m.Policy))
	if err != nil {
		t.Fatalf("%v in\n%s", err, m.Policy)
	}
	return m, p
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestGolden(t *testing.T) {
	m := translate(t, "full")
	golden(t, "full.toml", []byte(m.Policy))
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "full.json", append(text, '\n'))
	for line := range strings.Lines(m.Policy) {
		if n := utf8.RuneCountInString(line) - 1; n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestEachSettingIsAccountedForOnce(t *testing.T) {
	m := translate(t, "full")
	text, err := os.ReadFile("testdata/full/csf.conf")
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]bool)
	for _, x := range m.Translated {
		told[x.Key] = true
	}
	for _, x := range m.Left {
		told[x.Key] = true
	}
	for _, k := range m.Off {
		if told[k] {
			t.Errorf("%s is off, and told of besides", k)
		}
		told[k] = true
	}
	silent := 0
	for line := range strings.Lines(string(text)) {
		key, _, ok := strings.Cut(line, " = ")
		if ok && !strings.HasPrefix(line, "#") && !told[key] {
			silent++
		}
	}
	if silent != m.Elsewhere {
		t.Errorf("%d settings are told of nowhere, %d are said not to be about connections", silent, m.Elsewhere)
	}
}

func TestLimits(t *testing.T) {
	type want struct {
		held, rate, subnet int
		ports              []policy.PortRange
	}
	p22, p80, p90 := policy.PortRange{First: 22, Last: 22}, policy.PortRange{First: 80, Last: 80}, policy.PortRange{First: 90, Last: 90}
	both := []policy.PortRange{p22, p80}
	for name, c := range map[string]struct {
		conf string
		want map[string]want
	}{
		"nothing is limited":              {`CT_LIMIT = "0"`, map[string]want{"csf-ports": {ports: both}}},
		"all ports":                       {`CT_LIMIT = "300"`, map[string]want{"csf-ports": {held: 300, ports: both}}},
		"the least":                       {`CT_LIMIT = "1"`, map[string]want{"csf-ports": {held: 3, ports: both}}},
		"some ports":                      {"CT_LIMIT = \"300\"\nCT_PORTS = \"80\"", map[string]want{"csf-ports": {held: 300, ports: []policy.PortRange{p80}}}},
		"ports without a limit":           {`CT_PORTS = "80"`, map[string]want{"csf-ports": {ports: both}}},
		"one port":                        {`CONNLIMIT = "22;5"`, map[string]want{"port-22": {held: 5, ports: []policy.PortRange{p22}}}},
		"the lower of two":                {"CT_LIMIT = \"10\"\nCONNLIMIT = \"22;50\"", map[string]want{"port-22": {held: 10, ports: []policy.PortRange{p22}}, "csf-ports": {held: 10, ports: []policy.PortRange{p80}}}},
		"a burst":                         {`PORTFLOOD = "80;tcp;20;5"`, map[string]want{"port-80": {rate: 20, ports: []policy.PortRange{p80}}}},
		"a burst on a tracked port":       {"CT_LIMIT = \"30\"\nCT_PORTS = \"90\"\nPORTFLOOD = \"90;tcp;20;5\"", map[string]want{"port-90": {held: 30, rate: 20, ports: []policy.PortRange{p90}}}},
		"guessing is no burst":            {`PORTFLOOD = "22;tcp;5;300"`, map[string]want{"csf-ports": {ports: both}}},
		"networks":                        {"CT_LIMIT = \"300\"\nCT_SUBNET_LIMIT = \"500\"", map[string]want{"csf-ports": {held: 300, subnet: 500, ports: both}}},
		"networks below a source":         {"CT_LIMIT = \"300\"\nCT_SUBNET_LIMIT = \"5\"", map[string]want{"csf-ports": {held: 300, subnet: 300, ports: both}}},
		"networks without a source":       {`CT_SUBNET_LIMIT = "5"`, map[string]want{"csf-ports": {ports: both}}},
		"half-open ones alone":            {"CT_LIMIT = \"300\"\nCT_STATES = \"SYN_RECV,TIME_WAIT\"", map[string]want{"csf-ports": {ports: both}}},
		"established ones among others":   {"CT_LIMIT = \"300\"\nCT_STATES = \"SYN_RECV, ESTABLISHED\"", map[string]want{"csf-ports": {held: 300, ports: both}}},
		"all sources together are no one": {"SYNFLOOD = \"1\"\nSYNFLOOD_RATE = \"10/s\"", map[string]want{"csf-ports": {ports: both}}},
	} {
		t.Run(name, func(t *testing.T) {
			m, p := of(t, c.conf, nil)
			got := make(map[string]want)
			for _, s := range p.Services {
				w := want{held: s.Connections.PerSource, rate: s.Rate.NewPerSource, ports: s.Ports}
				for _, l := range s.Connections.PerPrefix {
					w.subnet = l.Max
				}
				got[s.Name] = w
				if s.Mode != policy.Shadow {
					t.Errorf("service %s is in mode %v", s.Name, s.Mode)
				}
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("%s in\n%s", diff, m.Policy)
			}
		})
	}
}

func TestExempt(t *testing.T) {
	m := translate(t, "full")
	p, err := policy.Parse("p", []byte(m.Policy))
	if err != nil {
		t.Fatal(err)
	}
	var want []netip.Prefix
	for _, text := range []string{"192.0.2.10/32", "198.51.100.0/24", "203.0.113.9/32", "203.0.113.20/32", "203.0.113.40/32", "203.0.113.50/32", "2001:db8:1::/48"} {
		want = append(want, netip.MustParsePrefix(text))
	}
	if !slices.Equal(p.Exempt.Prefixes, want) {
		t.Errorf("exempt %v, want %v", p.Exempt.Prefixes, want)
	}
}

func TestNotCSF(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":         {"", "csf.conf:0: the file ends without any of TCP_IN"},
		"another file":  {"root:x:0:0:root:/root:/bin/bash\n", "csf.conf:1: the file ends without any of TCP_IN"},
		"no quotes":     {"TCP_IN = \"22\"\nCT_LIMIT = 300\n", `csf.conf:2: CT_LIMIT: its value "300" is not in quotation marks`},
		"one quote":     {"TCP_IN = \"22\n", `csf.conf:1: TCP_IN: its value`},
		"repeated":      {"TCP_IN = \"22\"\n\nTCP_IN = \"23\"\n", "csf.conf:3: TCP_IN: is set on line 1 already"},
		"small letters": {"tcp_in = \"22\"\n", `csf.conf:1: "tcp_in" is not the name`},
		"hostile":       {"\x1b]0;x\a = \"1\"\n", `csf.conf:1: "\x1b]0;x\x07" is not the name`},
		"NUL":           {"TCP_IN = \"22\"\n\x00", "csf.conf:2: holds a NUL byte"},
		"too long":      {strings.Repeat("#", csf.MaxFileSize+1), "csf.conf: is 1048577 bytes long"},
		"no port":       {"TCP_IN = \"\"\nCT_LIMIT = \"5\"\n", "names no TCP port"},
		"many":          {strings.Repeat("x = 1\n", 100), "csf.conf: what comes after line 20 was not read"},
	} {
		m, err := csf.Translate(csf.Source{Name: "csf.conf", Text: []byte(c.text)}, nil, "")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v and error %v, want one with %q", name, m, err, c.want)
		}
	}
}

func TestHostileCommentsStayComments(t *testing.T) {
	evil := "x\r\u0085[exempt]\u2028prefixes = [\"0.0.0.0/0\"] \x1b]52;c;cm0=\a</script>\xff\u202e"
	m, p := of(t, "CT_LIMIT = \"300\" # "+evil+"\nCONNLIMIT = \""+evil+";5\"\n", map[string]string{
		"csf.allow": "192.0.2.1 # " + evil + "\n" + evil + "\nInclude " + evil + "\n", "csf.deny": evil + "\n"})
	checkText(t, m)
	if len(p.Exempt.Prefixes) != 1 || len(p.Services) != 1 {
		t.Errorf("exempt %v, services %v", p.Exempt.Prefixes, p.Services)
	}
}

// checkText fails where a translation holds what a terminal would not simply show.
func checkText(t *testing.T, m *csf.Import) {
	t.Helper()
	for _, text := range append(m.Lines(), strings.ReplaceAll(m.Policy, "\n", "")) {
		if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 || !utf8.ValidString(text) {
			t.Errorf("%q is not fit for a terminal", text)
		}
	}
}

func TestBounds(t *testing.T) {
	var allow, conn, in bytes.Buffer
	for i := range policy.MaxExempt + 5 {
		a := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		allow.WriteString(a.String() + " # " + strings.Repeat("\u202e", 20) + "\n")
	}
	for i := range 60 {
		conn.WriteString("," + netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(1000+2*i)).String()[len("0.0.0.0:"):] + ";9")
	}
	for i := range 2000 {
		in.WriteString("," + netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(2000+2*i)).String()[len("0.0.0.0:"):])
	}
	m, p := of(t, "CONNLIMIT = \""+conn.String()[1:]+"\"\nCT_LIMIT = \"9\"\nCT_PORTS = \""+in.String()[1:]+"\"\n", map[string]string{"csf.allow": allow.String()})
	if len(p.Exempt.Prefixes) != policy.MaxExempt || len(p.Services) != policy.MaxServices || len(m.Policy) > policy.MaxFileSize {
		t.Errorf("%d exempt, %d services, %d bytes", len(p.Exempt.Prefixes), len(p.Services), len(m.Policy))
	}
	all := strings.Join(m.Lines(), "\n")
	for _, want := range []string{"takes at most 10000", "at most 48 ports", "a policy has at most 64 services", "and 4 more like it"} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q", want)
		}
	}
}

func TestManyRangesAreBounded(t *testing.T) {
	m, p := of(t, "CT_LIMIT = \"9\"\nCT_PORTS = \""+strings.Repeat("1:65535,", 4096)+"70:80\"\n", nil)
	if r := p.Services[0].Ports; len(r) != 1 || r[0] != (policy.PortRange{First: 1, Last: 65535}) {
		t.Errorf("ports %v", r)
	}
	if all := strings.Join(m.Lines(), "\n"); !strings.Contains(all, "what follows entry 4096, which is no port") {
		t.Errorf("nothing says that the list was cut:\n%.300s", all)
	}
}

func FuzzTranslate(f *testing.F) {
	conf, err := os.ReadFile("testdata/full/csf.conf")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(conf), "192.0.2.1 # office\nInclude csf.deny\ntcp|in|s=192.0.2.2\n", "203.0.113.1\n")
	f.Add("TCP_IN = \"1:65535\"\nCT_LIMIT = \"7\"\nCT_BLOCK_TIME = \"1\"\n", "::/0\n", "Include csf.allow")
	f.Fuzz(func(t *testing.T, conf, allow, deny string) {
		dir := fstest.MapFS{"csf.allow": {Data: []byte(allow)}, "csf.deny": {Data: []byte(deny)}}
		m, err := csf.Translate(csf.Source{Name: "csf.conf", Text: []byte(conf)}, dir, "/etc/csf")
		if err != nil {
			if strings.Contains(err.Error(), "defect") {
				t.Error(err)
			}
			return
		}
		checkText(t, m)
		if p, err := policy.Parse("p", []byte(m.Policy)); err != nil || strings.Contains(m.Policy, "enforce\"\n") {
			t.Errorf("%v, %v in\n%s", p, err, m.Policy)
		}
	})
}
