package policy

import (
	"reflect"
	"strings"
	"testing"
)

func TestWarnings(t *testing.T) {
	limited := web + "connections.per_source = 100\n"
	unlimited := func(name string) string {
		return `service "` + name + `": has no limit, so nothing is enforced for it; set per_source in its [service.connections]`
	}
	covers := func(family string) string {
		return "exempt.prefixes: covers every " + family + " address, so no " + family +
			" source is ever limited; list only addresses you trust"
	}
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"none", limited, nil},
		{"no limit", web, []string{unlimited("web")}},
		{"no limit in one of two", limited + "[[service]]\nname = \"ssh\"\nports = [22]\n", []string{unlimited("ssh")}},
		{"all of IPv4", "exempt.prefixes = [\"0.0.0.0/0\"]\n" + limited, []string{covers("IPv4")}},
		{"all of IPv6", "exempt.prefixes = [\"::/0\", \"192.0.2.1\"]\n" + limited, []string{covers("IPv6")}},
		{"everything", "exempt.prefixes = [\"::/0\", \"0.0.0.0/0\"]\n" + web, []string{covers("IPv4"), covers("IPv6"), unlimited("web")}},
		{"mapped", "exempt.prefixes = [\"::ffff:0:0/96\"]\n" + limited, []string{covers("IPv4")}},
		{"two halves", "exempt.prefixes = [\"128.0.0.0/1\", \"0.0.0.0/1\", \"10.0.0.0/8\"]\n" + limited, []string{covers("IPv4")}},
		{"three parts", "exempt.prefixes = [\"::/1\", \"8000::/2\", \"c000::/2\"]\n" + limited, []string{covers("IPv6")}},
		{"all but a gap", "exempt.prefixes = [\"0.0.0.0/1\", \"128.0.0.0/2\", \"192.0.0.0/3\", \"224.0.0.0/4\"]\n" + limited, nil},
		{"all but the first", "exempt.prefixes = [\"128.0.0.0/1\"]\n" + limited, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustParse(t, c.src)
			if got := p.Warnings(); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestWarningsAreBounded(t *testing.T) {
	got := mustParse(t, manyServices(MaxServices)).Warnings()
	if len(got) != maxServiceWarnings+1 {
		t.Fatalf("%d lines for %d services", len(got), MaxServices)
	}
	want := "and 56 more services: have no limit, so nothing is enforced for them; set per_source for each"
	if got[maxServiceWarnings] != want {
		t.Errorf("last line is %q, want %q", got[maxServiceWarnings], want)
	}
}
