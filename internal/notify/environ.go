package notify

import (
	"os"
	"strconv"
	"strings"

	"ebbgate/control"
)

// maxVariable bounds the bytes of one variable.
const maxVariable = 1024

// inherited are the variables a command gets as they are, where they are set.
var inherited = []string{"HOME", "LANG", "TZ", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "TMPDIR"}

// commandPath is the command's PATH, whatever ours is.
const commandPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environ returns all variables of a command.
func environ(n *Notification) []string {
	env := []string{"PATH=" + commandPath}
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	mode, source, at := "", "", ""
	if n.Mode != nil {
		mode = n.Mode.String()
	}
	if n.Source.IsValid() {
		source = n.Source.String()
	}
	if !n.At.IsZero() {
		at = n.At.UTC().Format("2006-01-02T15:04:05Z")
	}
	for _, v := range [][2]string{
		{"EVENT", string(n.Event.Event)},
		{"IMPORTANCE", n.Importance.String()},
		{"ID", strconv.FormatUint(n.ID, 10)},
		{"AT", at},
		{"HOST", n.Host},
		{"SERVICE", n.Service},
		{"ATTACK", n.Attack},
		{"KIND", string(n.Kind)},
		{"MODE", mode},
		{"SOURCE", source},
		{"COUNT", strconv.Itoa(n.Count)},
		{"TEXT", n.Text},
	} {
		env = append(env, "EBBGATE_"+v[0]+"="+sanitise(v[1]))
	}
	return env
}

// sanitise makes a value harmless to a script that forgets its quotes, or hands it to eval: what is not
// printable is escaped, and what means something to a shell becomes "_". The JSON has the true text.
func sanitise(value string) string {
	const meaning = "$`\"'\\;&|<>(){}[]*?!#~"
	return clip(strings.Map(func(r rune) rune {
		if strings.ContainsRune(meaning, r) {
			return '_'
		}
		return r
	}, control.Escape(value)), maxVariable)
}
