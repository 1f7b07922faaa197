package packaging

import (
	"fmt"
	"slices"
	"strings"
)

// policyHead stands in the installed policy instead of the example's first line.
const policyHead = `# Policy of ebbgate: every key, its default and its range.
#
# As installed it watches ports 80 and 443, reports whom it would limit, and changes nothing
# (mode = "shadow"). A line that begins with # and a key, without a blank in between, is an example:
# take the # away to set it. "ebbgate suggest" proposes limits from what is normal on this host, and
# "ebbgate status" shows who would have been limited. When that looks right, set mode to "enforce".
# After a change: systemctl reload ebbgate`

// inForce is what the installed policy sets, as "[table] key", and the value where it is not the
// example's. Everything else would be a guess about the host: addresses of others, a capacity, or a
// mode of a service, which hides the one at the top.
func inForce() map[string]string {
	return map[string]string{
		" mode":                            `"shadow"`,
		"[[service]] name":                 "",
		"[[service]] ports":                "[80, 443]",
		"[service.connections] per_source": "",
		"[service.rate] new_per_source":    "",
	}
}

// notInForce are the tables the installed policy leaves out, as they have keys that are required.
var notInForce = []string{"[[service.override]]"}

// Policy returns the policy as it is installed: the example policy in shadow mode, in which what does
// not fit every host is commented out. An error names what the example lacks.
func Policy(example string) (string, error) {
	first, rest, _ := strings.Cut(example, "\n")
	if !strings.HasPrefix(first, "# ") {
		return "", fmt.Errorf("read example policy: it begins with %q: want a comment that says what it is", first)
	}
	var b strings.Builder
	b.WriteString(policyHead + "\n")
	set, table := inForce(), ""
	for line := range strings.Lines(rest) {
		text := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(text)]
		name, _, isKey := strings.Cut(text, " = ")
		switch {
		case strings.HasPrefix(text, "["):
			table = strings.TrimSpace(text)
			if slices.Contains(notInForce, table) {
				indent += "#"
			}
		case !isKey || strings.HasPrefix(text, "#"):
		default:
			value, ok := set[table+" "+name]
			delete(set, table+" "+name)
			switch {
			case !ok:
				indent += "#"
			case value != "":
				text = name + " = " + value + "\n"
			}
		}
		b.WriteString(indent + text)
	}
	for name := range set {
		return "", fmt.Errorf("read example policy: it has no key %s", strings.TrimSpace(name))
	}
	return b.String(), nil
}
