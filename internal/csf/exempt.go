package csf

import (
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"strings"

	"ebbgate/policy"
)

// exemption is an address that csf lets through or ignores.
type exemption struct {
	prefix netip.Prefix
	from   string // file and line, with what was written beside it
}

// maxRemark bounds the bytes of an address's comment that are kept, so that 10,000 of them fit into a policy.
const maxRemark = 24

func base(file string) string { return path.Base(file) }

// lists reads the files of addresses. Both csf.ignore (never blocked by lfd) and csf.allow (accepted before
// its limits and blocks are looked at) are exemptions here.
func (t *translator) lists(dir fs.FS, shown string) error {
	seen := make(map[netip.Prefix]bool)
	for _, name := range []string{"csf.ignore", "csf.allow"} {
		l, err := readList(dir, shown, name)
		if err != nil {
			return err
		}
		t.out.Left = append(t.out.Left, l.left...)
		for _, at := range l.lines {
			p, why := source(at.text)
			switch {
			case why != "":
			case seen[p]:
				continue
			case len(t.exempt) == policy.MaxExempt:
				why = fmt.Sprintf("exempt.prefixes takes at most %d; join neighbours to prefixes", policy.MaxExempt)
			}
			if why != "" {
				t.out.Left = append(t.out.Left, at.leftover(why))
				continue
			}
			seen[p] = true
			from := fmt.Sprintf("%s:%d", at.file, at.number)
			t.out.Translated = append(t.out.Translated, Translation{Setting{at.file, at.number, "", shorten(at.text)}, "exempt.prefixes: " + p.String(), "", false})
			if at.comment != "" {
				from += ": " + remark(at.comment)
			}
			t.exempt = append(t.exempt, exemption{p, from})
		}
	}
	return t.denied(dir, shown)
}

// remark cuts a comment to maxRemark bytes.
func remark(text string) string {
	if len(text) <= maxRemark {
		return text
	}
	return strings.ToValidUTF8(text[:maxRemark], "")
}

// source reads one line of an allow list: an address, a prefix, or an advanced filter that is about a
// source of TCP and nothing else. Otherwise it says why not.
func source(text string) (p netip.Prefix, why string) {
	if strings.Contains(text, "|") {
		text, why = filterSource(text)
		if why != "" {
			return p, why
		}
	}
	p, ok := prefix(text)
	switch {
	case !ok:
		return p, "is not an address or a prefix; csf ignores names of hosts here too, outside csf.dyndns and csf.rignore"
	case p.Bits() == 0:
		return p, "would exempt everybody, and is left out"
	case p.Addr().IsLoopback():
		return p, "not needed: what comes in by the loopback interface is never counted as a stranger's"
	}
	return p, ""
}

// filterSource takes the source out of an advanced filter such as tcp|in|d=22|s=192.0.2.1.
func filterSource(text string) (source, why string) {
	for part := range strings.SplitSeq(strings.ToLower(text), "|") {
		key, value, pair := strings.Cut(strings.TrimSpace(part), "=")
		_, isPrefix := prefix(value)
		switch {
		case !pair && key == "tcp", !pair && key == "in":
		case !pair && (key == "udp" || key == "icmp"):
			return "", "only TCP is looked at"
		case !pair && key == "out":
			return "", "only connections to this host are looked at"
		case pair && key == "s" && isPrefix && source == "":
			source = value
		case pair && (key == "d" || key == "s") && !isPrefix:
			return "", `holds for one port only, where exempt.prefixes holds for all; use "ebbgate exempt ADDR --service NAME --for 720h", or give it a high limit in a [[service.override]]`
		default:
			return "", "is a filter that exempt.prefixes cannot say"
		}
	}
	if source == "" {
		return "", "names no source"
	}
	return source, ""
}

// denied sums csf.deny up.
func (t *translator) denied(dir fs.FS, shown string) error {
	l, err := readList(dir, shown, "csf.deny")
	if err != nil {
		return err
	}
	t.out.Left = append(t.out.Left, l.left...)
	if n := len(l.lines); n > 0 {
		first := l.lines[0]
		t.out.Left = append(t.out.Left, Leftover{Setting{first.file, first.number, "", shorten(first.text)},
			fmt.Sprintf("with the rest of csf.deny, %d lines: ebbgate refuses nobody for ever; leave them to csf or to a firewall, or use \"ebbgate block ADDR --for 720h\"", n)})
	}
	return nil
}
