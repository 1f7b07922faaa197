package packaging

import "strings"

const configAbout = `The policy says which services ebbgate protects, and what it allows a source: an IPv4 address, or an
IPv6 prefix. It is a TOML file (toml.io).`

const configFiles = `Readable by root and the daemon only, as it says who is exempt. After a change ebbgate check says what is
wrong with it, and systemctl reload ebbgate takes it over. A policy with a problem changes nothing: the
daemon goes on with the one it has.`

// ConfigPage makes the manual page of the policy, ebbgate-config(5), from the example policy: each key
// with the comment above it, and its value there as the example.
func ConfigPage(example, date, version string) (string, error) {
	all, err := entries(example)
	if err != nil {
		return "", err
	}
	p := NewPage("ebbgate-config", 5, date, version, "the policy of ebbgate")
	p.Section("Synopsis")
	p.Text("/etc/ebbgate/config.toml")
	p.Section("Description")
	p.Text(configAbout)
	first := true
	for _, e := range all {
		text := strings.Join(e.comment, "\n")
		switch {
		case e.line == "" && first: // what the file itself says of itself in its first line is not news
			_, text, _ = strings.Cut(text, "\n")
			p.Text(text)
			continue
		case e.line == "":
			p.Text(text)
			continue
		case e.table():
			p.Subsection(e.line)
			p.Text(text)
		default:
			if first {
				p.Section("Keys")
			}
			p.Option(e.key(), "", text+"\n\n  "+e.line)
		}
		first = false
	}
	p.Section("Files")
	p.Option("/etc/ebbgate/config.toml", "", configFiles)
	p.Option("/usr/share/doc/ebbgate/examples/config.example.toml", "", "Every key with a value.")
	p.Section("See also")
	p.SeeAlso("ebbgate(8)", "ebbgate-check(8)", "ebbgate-suggest(8)")
	return p.String(), nil
}
