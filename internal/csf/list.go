package csf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"path"
	"strings"
)

// Bounds on the files of addresses.
const (
	maxIncludes  = 32
	maxListLines = 50000 // of one list, with what it includes
)

// line is one line of a file of addresses that holds something.
type line struct {
	file    string
	number  int
	text    string // without the comment
	comment string
}

// list is csf.allow, csf.ignore or csf.deny, with what it includes.
type list struct {
	name  string
	found bool
	lines []line
	left  []Leftover
	files int
}

// readList reads a file of addresses of the directory, if it is there. Includes are followed one deep, as
// csf does, and only to files of the same directory: one of /etc/csf, where csf has them, is taken from
// beside the list, so that a copy of that directory reads alike.
func readList(dir fs.FS, shown, name string) (*list, error) {
	l := &list{name: name}
	if dir == nil {
		return l, nil
	}
	text, err := readFile(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path.Join(shown, name), err)
	}
	l.found = true
	l.add(dir, shown, name, text, true)
	return l, nil
}

// readFile reads a regular file of bounded size. What is no regular file is not opened: a pipe would keep
// us waiting.
func readFile(dir fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(dir, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err == nil && len(text) > MaxFileSize {
		err = fmt.Errorf("it is longer than %d bytes", MaxFileSize)
	}
	return text, err
}

func (l *list) add(dir fs.FS, shown, name string, text []byte, follow bool) {
	number := 0
	for raw := range strings.Lines(string(text)) {
		number++
		body, comment, _ := strings.Cut(strings.TrimSpace(raw), "#")
		body, comment = strings.TrimSpace(body), strings.TrimSpace(comment)
		if body == "" {
			continue
		}
		at := line{name, number, body, comment}
		if target, ok := strings.CutPrefix(body, "Include"); ok {
			l.include(dir, shown, at, strings.TrimSpace(target), follow)
			continue
		}
		if len(l.lines) == maxListLines {
			l.left = append(l.left, at.leftover(fmt.Sprintf("this and what follows was not read: at most %d lines are", maxListLines)))
			return
		}
		l.lines = append(l.lines, at)
	}
}

func (l *list) include(dir fs.FS, shown string, at line, target string, follow bool) {
	leave := func(why string) { l.left = append(l.left, at.leftover(why)) }
	base := path.Base(target)
	home := path.Clean(path.Dir(target))
	l.files++
	switch {
	case !follow:
		leave("not followed: csf does not follow an Include of an included file either")
	case l.files > maxIncludes:
		if l.files == maxIncludes+1 {
			leave(fmt.Sprintf("not followed, nor is what comes after it: at most %d Include lines are", maxIncludes))
		}
	case target == "" || !fs.ValidPath(base) || base == ".":
		leave("not followed: it names no file")
	case home != path.Clean(shown) && home != "/etc/csf" && target != base:
		leave("not followed: it is in another directory; copy its addresses to exempt.prefixes if they are to be")
	default:
		text, err := readFile(dir, base)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			leave("not followed: there is no such file beside the list")
			return
		case err != nil:
			leave(fmt.Sprintf("not followed: read %s: %v", base, err))
			return
		}
		l.add(dir, shown, base, text, false)
	}
}

func (at line) leftover(why string) Leftover {
	return Leftover{Setting: Setting{File: at.file, Line: at.number, Key: "", Value: shorten(at.text)}, Why: why}
}

// prefix reads an address or a prefix, with the host bits cleared as iptables clears them.
func prefix(text string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}
