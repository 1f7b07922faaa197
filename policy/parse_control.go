package policy

import "path"

func (p *parser) control(raw *rawControl) Control {
	return Control{
		Socket:    p.socket("control.socket", raw.Socket),
		ViewGroup: p.group("control.view_group", raw.ViewGroup),
	}
}

// socket reads the path of a unix socket.
func (p *parser) socket(key string, raw *string) string {
	if raw == nil {
		return DefaultSocket
	}
	return p.file(key, *raw, MaxSocketPath, DefaultSocket, "")
}

// file reads the path of a file of at most so many bytes. Of one that is none it returns the default, and
// names it; or says what else is allowed.
func (p *parser) file(key, s string, most int, standard, or string) string {
	switch {
	case len(s) > most:
		p.problem(key, "is a path of %d bytes, must be at most %d", len(s), most)
	case !path.IsAbs(s) || s == "/":
		p.problem(key, "%s is not an absolute path to a file, must be like %q%s", quote(s), standard, or)
	case path.Clean(s) != s:
		p.problem(key, "%s is not in its shortest form, must be %q", quote(s), path.Clean(s))
	case printable(s, most) != s:
		p.problem(key, "%s holds unprintable characters, must be like %q", quote(s), standard)
	default:
		return s
	}
	return standard
}

// group reads the name of a system group; the empty name stands for none.
func (p *parser) group(key string, raw *string) string {
	if raw == nil {
		return DefaultViewGroup
	}
	if *raw != "" && !groupName(*raw) {
		p.problem(key, "%s is not a group name, must be "+groupNames+", or empty for no group", quote(*raw), MaxGroupName-1)
		return DefaultViewGroup
	}
	return *raw
}
