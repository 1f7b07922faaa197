package policy

import "slices"

// groupNames says what groupName takes; the verb is for the number of bytes after the first.
const groupNames = "a letter or _ and then up to %d of letters, digits, _, - and ."

// groupName reports whether a system group can have that name, see groupadd(8). Whether there is
// one of that name is for the daemon to see.
func groupName(s string) bool {
	good := len(s) >= 1 && len(s) <= MaxGroupName
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		good = good && (letter || i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.'))
	}
	return good
}

// sshGroups reads names of groups and returns them sorted, each once.
func (p *parser) sshGroups(path string, raw []*string) []string {
	if len(raw) > MaxSSHGroups {
		p.problem(path, "has %d entries, must be at most %d", len(raw), MaxSSHGroups)
		return nil
	}
	var groups []string
	for i, name := range raw {
		switch {
		case name == nil:
		case groupName(*name):
			groups = append(groups, *name)
		default:
			p.problem(joinIndex(path, i), "%s is not a group name, must be "+groupNames, quote(*name), MaxGroupName-1)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}
