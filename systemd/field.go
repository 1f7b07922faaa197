package systemd

import (
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// maxFields bounds the attributes of one log line; the rest is left out.
	maxFields = 64
	// maxValue bounds the bytes of one value; the rest is cut off.
	maxValue = 8 << 10
	// maxName is the longest name of a field journald takes (systemd.journal-fields(7)).
	maxName = 64
)

// field is one attribute, with the groups it is in as part of its key: "limit.source".
type field struct{ key, value string }

// appendAttr flattens an attribute by the rules of slog.Handler: values are resolved, empty
// attributes and groups are left out, a group without a name is inlined.
func appendAttr(fields []field, prefix string, a slog.Attr) []field {
	a.Value = a.Value.Resolve()
	if a.Equal(slog.Attr{}) || len(fields) >= maxFields {
		return fields
	}
	if a.Value.Kind() != slog.KindGroup {
		return append(fields, field{prefix + a.Key, valueText(a.Value)})
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, g := range a.Value.Group() {
		fields = appendAttr(fields, prefix, g)
	}
	return fields
}

func valueText(v slog.Value) string {
	text := ""
	if v.Kind() == slog.KindTime {
		text = v.Time().UTC().Format(time.RFC3339Nano)
	} else {
		text = v.String()
	}
	if len(text) <= maxValue {
		return text
	}
	cut := maxValue
	for cut > maxValue-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}

// fieldName returns the journal's name for a key: EBBGATE_LIMIT_SOURCE. The prefix keeps it clear
// of the journal's own names and makes any key valid.
func fieldName(key string) string {
	name := []byte("EBBGATE_" + strings.ToUpper(key))
	for i, c := range name {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			name[i] = '_'
		}
	}
	return string(name[:min(len(name), maxName)])
}

// lineText writes message and fields on one line, for people: journalctl shows nothing else.
func lineText(message string, fields []field) string {
	var b strings.Builder
	b.WriteString(message)
	for _, f := range fields {
		if f.key == idKey {
			continue
		}
		b.WriteByte(' ')
		b.WriteString(quoted(f.key))
		b.WriteByte('=')
		b.WriteString(quoted(f.value))
	}
	return b.String()
}

// quoted quotes what would not be one plain word.
func quoted(s string) string {
	odd := func(r rune) bool {
		return r == '"' || r == '=' || r == ' ' || r == utf8.RuneError || !unicode.IsPrint(r)
	}
	if s == "" || strings.ContainsFunc(s, odd) {
		return strconv.Quote(s)
	}
	return s
}
