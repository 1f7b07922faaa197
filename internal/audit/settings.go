package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ebbgate/internal/escape"
)

// Bounds on what is read of sysctl.d files. Beyond them the rest is named as unread.
const (
	maxSettingFiles = 256
	maxSettings     = 1024
	maxSettingBytes = 256 << 10
)

// sysctlDirs are the directories of sysctl.d(5). A file hides those of the same name in later ones.
func sysctlDirs() []string {
	return []string{"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d"}
}

// sysctlConf is read last by sysctl --system of procps, and by nobody else unless a link in
// /etc/sysctl.d names it.
const sysctlConf = "/etc/sysctl.conf"

// readSettings reads the sysctl.d files below root.
func (f *Facts) readSettings(root string) {
	known := settingNames()
	seen := make(map[string]bool) // by real path: one file may go by two names
	for _, path := range settingFiles(root, f) {
		full := filepath.Join(root, path)
		real, err := filepath.EvalSymlinks(full)
		if err == nil && seen[real] {
			continue
		}
		seen[real] = true
		text, err := readRegular(full)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			f.unread(escape.Terminal(path), err.Error())
			continue
		}
		for _, s := range parseSettings(text) {
			if !known[s.Name] {
				continue
			}
			if len(f.Settings) >= maxSettings {
				f.unread(escape.Terminal(path), fmt.Sprintf("more than %d settings in sysctl.d files", maxSettings))
				return
			}
			s.File, s.Value = escape.Terminal(path), escape.Terminal(s.Value)
			f.Settings = append(f.Settings, s)
		}
	}
}

// settingNames are the settings worth keeping.
func settingNames() map[string]bool {
	known := map[string]bool{tcpTwRecycle: true, reservedPorts: true}
	for _, s := range sysctlSpecs() {
		known[s.name] = true
	}
	return known
}

// settingFiles lists the files in the order in which they take effect.
func settingFiles(root string, f *Facts) []string {
	byName := make(map[string]string)
	for _, dir := range sysctlDirs() {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			f.unread(dir, cause(err))
		}
		for _, e := range entries {
			name := e.Name()
			if _, hidden := byName[name]; !hidden && strings.HasSuffix(name, ".conf") {
				byName[name] = dir + "/" + name
			}
		}
	}
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) > maxSettingFiles {
		f.unread("sysctl.d", fmt.Sprintf("%d files; the first %d were read", len(names), maxSettingFiles))
		names = names[:maxSettingFiles]
	}
	paths := make([]string, 0, len(names)+1)
	for _, name := range names {
		paths = append(paths, byName[name])
	}
	return append(paths, sysctlConf)
}

// readRegular reads a file of bounded size. A link to /dev/null, which is how a file is switched
// off, reads as empty; anything else that is no regular file could block and is refused.
func readRegular(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		if target, err := filepath.EvalSymlinks(path); err == nil && target == os.DevNull {
			return "", nil
		}
		return "", errors.New("it is no regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return "", errors.New(cause(err))
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxSettingBytes+1))
	if err != nil {
		return "", errors.New(cause(err))
	}
	if len(b) > maxSettingBytes {
		return "", fmt.Errorf("it is longer than the %d bytes that are read", maxSettingBytes)
	}
	return string(b), nil
}

// parseSettings reads the lines of a sysctl.d file that set something (sysctl.d(5)). Lines that do
// not are somebody else's problem and are skipped.
func parseSettings(text string) []Setting {
	var out []Setting
	line := 0
	for raw := range strings.Lines(text) {
		line++
		raw = strings.TrimSpace(raw)
		if raw == "" || raw[0] == '#' || raw[0] == ';' {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(raw, "-"), "=")
		if name = dotted(strings.TrimSpace(name)); !ok || name == "" {
			continue
		}
		out = append(out, Setting{Line: line, Name: name, Value: strings.Join(strings.Fields(value), " ")})
	}
	return out
}

// dotted returns the name with dots as separators. Where the first separator is a slash, slashes
// separate and dots are part of a name (sysctl.d(5)).
func dotted(name string) string {
	if i := strings.IndexAny(name, "./"); i < 0 || name[i] == '.' {
		return name
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '/':
			return '.'
		case '.':
			return '/'
		}
		return r
	}, name)
}

// cause says why a file could not be read, without its path.
func cause(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}
