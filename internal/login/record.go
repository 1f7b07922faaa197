package login

import (
	"slices"
	"strconv"
	"strings"
)

// What the fields of a record must be for it to tell of a login over ssh by a person. The classes are
// those of pam_systemd(8); the services are names of sshd's PAM configuration; a session that is
// "closing" has ended although some of its processes remain (sd_session_get_state(3)).
var (
	wantedClass   = []string{"user", "user-early", "user-light", "user-early-light"}
	wantedService = []string{"sshd", "ssh"}
	wantedState   = []string{"opening", "online", "active"}
)

// fields are those of a session record we look at; nil: not there.
type fields struct{ uid, remote, host, state, class, service *string }

func (f *fields) of(key string) **string {
	switch key {
	case "UID":
		return &f.uid
	case "REMOTE":
		return &f.remote
	case "REMOTE_HOST":
		return &f.host
	case "STATE":
		return &f.state
	case "CLASS":
		return &f.class
	case "SERVICE":
		return &f.service
	}
	return nil
}

// parseRecord returns the login that a session record of systemd-logind tells of, if it is one that
// counts. The record is a file of lines KEY=value.
func parseRecord(b []byte) (login, bool) {
	f, ok := parseFields(string(b))
	if !ok || f.uid == nil || f.remote == nil || f.host == nil || f.state == nil || f.class == nil || f.service == nil {
		return login{}, false
	}
	if *f.remote != "1" || !slices.Contains(wantedState, *f.state) || !slices.Contains(wantedClass, *f.class) ||
		!slices.Contains(wantedService, *f.service) {
		return login{}, false
	}
	uid, ok := parseID(*f.uid)
	if !ok {
		return login{}, false
	}
	from, ok := literal(*f.host)
	return login{uid: uid, from: from}, ok
}

// parseFields reads the lines of a record. It refuses a record whole if a field it looks at is there
// twice, or if a line is not what systemd writes: some of what it writes are words of strangers, and
// versions that put a value in quotes do not escape the end of a line within, which could make one
// value look like several fields.
func parseFields(text string) (fields, bool) {
	var f fields
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || !isKey(key) || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return fields{}, false
		}
		value, ok = unquote(value)
		if !ok {
			return fields{}, false
		}
		if at := f.of(key); at != nil {
			if *at != nil || strings.ContainsAny(value, "\"'\\") {
				return fields{}, false
			}
			*at = &value
		}
	}
	return f, true
}

// unquote takes off the quotes around a value. False means that they do not end where the value does.
func unquote(value string) (string, bool) {
	quoted, ok := strings.CutPrefix(value, `"`)
	if !ok {
		return value, true
	}
	for i := 0; i < len(quoted); i++ {
		switch quoted[i] {
		case '\\':
			i++
		case '"':
			return quoted[:i], i == len(quoted)-1
		}
	}
	return "", false
}

// isKey reports whether s consists of capitals, digits and underscores.
func isKey(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// parseID reads a user or group id in decimal. The highest one stands for none (chown(2)).
func parseID(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n != 1<<32-1
}
