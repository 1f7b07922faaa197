package policy

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestParseMetrics(t *testing.T) {
	for text, want := range map[string]string{
		`""`:                      "",
		`"127.0.0.1:9815"`:        "127.0.0.1:9815",
		`"[::1]:1"`:               "[::1]:1",
		`"0.0.0.0:65535"`:         "0.0.0.0:65535",
		`"[::]:9815"`:             "[::]:9815",
		`"[::ffff:127.0.0.1]:80"`: "127.0.0.1:80",
		`"[fe80::1%eth0]:9815"`:   "[fe80::1%eth0]:9815",
		`"192.0.2.1:9815"`:        "192.0.2.1:9815",
	} {
		got := mustParse(t, "metrics.listen = "+text+"\n"+web).Metrics.Listen
		if want == "" {
			if got.IsValid() {
				t.Errorf("%s listens at %s, want nowhere", text, got)
			}
			continue
		}
		if got != netip.MustParseAddrPort(want) {
			t.Errorf("%s listens at %s, want %s", text, got, want)
		}
	}
	if got := mustParse(t, web).Metrics; got != (Metrics{}) {
		t.Errorf("without a word it listens at %v", got)
	}
}

func TestParseBadMetrics(t *testing.T) {
	bad := func(value, want string) badCase {
		return badCase{value, "[metrics]\nlisten = " + value + "\n" + web, []string{"2: metrics.listen: " + want}}
	}
	const like = `must be like "127.0.0.1:9815" or "[::1]:9815", or empty to serve nowhere`
	plain := func(value string) badCase { return bad(value, value+" is not an address with a port, "+like) }
	runBad(t, []badCase{
		plain(`"localhost:9815"`), plain(`":9815"`), plain(`"127.0.0.1"`), plain(`"127.0.0.1:"`), plain(`"127.0.0.1:metrics"`),
		plain(`"127.0.0.1:65536"`), plain(`"::1:9815"`), plain(`"127.0.0.1:9815/metrics"`), plain(`"127.0.0.1/32:9815"`), plain(`" 127.0.0.1:9815"`),
		bad(`"127.0.0.1:0"`, `"127.0.0.1:0" has port 0, must be 1 to 65535`),
		bad(`"224.0.0.1:9815"`, `"224.0.0.1:9815" is a multicast address, `+like),
		bad(`9815`, `is the integer 9815, must be an address with its port in quotes, such as "127.0.0.1:9815"`),
		{"other key", "[metrics]\nport = 9815\n" + web, []string{"2: metrics.port: is not a key of the policy file, this table takes: listen"}},
	})
}

// TestExposedMetricsAreWarnedOf: of each address others may reach, and of no other.
func TestExposedMetricsAreWarnedOf(t *testing.T) {
	const limited = web + "connections.per_source = 100\n"
	for listen, exposed := range map[string]bool{
		"": false, "127.0.0.1:1": false, "127.9.9.9:1": false, "[::1]:1": false, "[::ffff:127.0.0.1]:1": false,
		"0.0.0.0:1": true, "[::]:1": true, "192.0.2.1:1": true, "[fe80::1%lo]:1": true, "10.0.0.1:1": true,
	} {
		got := mustParse(t, "metrics.listen = \""+listen+"\"\n"+limited).Warnings()
		if warned := slices.ContainsFunc(got, func(w string) bool { return strings.HasPrefix(w, "metrics.listen: ") }); warned != exposed || len(got) > 1 {
			t.Errorf("%q: warnings %q, want one: %t", listen, got, exposed)
		}
	}
}

// TestMetricsWhereAServiceListens: one of the two programs cannot listen.
func TestMetricsWhereAServiceListens(t *testing.T) {
	for name, c := range map[string]struct {
		listen, addresses string
		warned            bool
	}{
		"another port":                         {"127.0.0.1:9815", "", false},
		"its port":                             {"127.0.0.1:80", "", true},
		"its port, and its address":            {"127.0.0.1:80", `addresses = ["127.0.0.1"]`, true},
		"its port, at another address":         {"127.0.0.1:80", `addresses = ["192.0.2.1"]`, false},
		"its port, at every address":           {"0.0.0.0:80", `addresses = ["192.0.2.1"]`, true},
		"its port, at every IPv6 address":      {"[::]:80", "", true},
		"a port in one of the service's range": {"127.0.0.1:8005", "", true},
	} {
		src := "[[service]]\nname = \"web\"\nports = [80, \"8000-8010\"]\nconnections.per_source = 100\n" + c.addresses + "\n[metrics]\nlisten = \"" + c.listen + "\"\n"
		got := mustParse(t, src).Warnings()
		warned := slices.ContainsFunc(got, func(w string) bool {
			return strings.HasPrefix(w, "metrics.listen: port ") && strings.Contains(w, `is also one of service "web"`)
		})
		if warned != c.warned {
			t.Errorf("%s: %q", name, got)
		}
	}
}
