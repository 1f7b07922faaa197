package packaging

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// major is the end of the path of a module from version 2 on.
var major = regexp.MustCompile(`/v[0-9]+$`)

// TestCopyright compares the file with the modules that are linked into the program, and the licences it
// names with those it gives.
func TestCopyright(t *testing.T) {
	b, err := os.ReadFile("copyright")
	if err != nil {
		t.Fatal(err)
	}
	var stated, named, given []string
	for paragraph := range strings.SplitSeq(string(b), "\n\n") {
		licence := field(paragraph, "License")
		files := strings.Fields(field(paragraph, "Files"))
		switch {
		case len(files) > 0:
			named = append(named, licence)
			if field(paragraph, "Copyright") == "" {
				t.Errorf("no copyright for %v", files)
			}
		case licence != "":
			name, _, _ := strings.Cut(licence, "\n")
			given = append(given, name)
		}
		for _, f := range files {
			if f != "*" && f != "runtime/*" {
				stated = append(stated, strings.TrimSuffix(f, "/*"))
			}
		}
	}
	slices.Sort(stated)
	if linked := linkedModules(t); !slices.Equal(stated, linked) {
		t.Errorf("the file is about\n%v\nlinked are\n%v", stated, linked)
	}
	slices.Sort(named)
	slices.Sort(given)
	if named = slices.Compact(named); !slices.Equal(named, given) {
		t.Errorf("licences named %v, given %v", named, given)
	}
}

// linkedModules lists the modules of the program for both architectures.
func linkedModules(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, arch := range []string{"amd64", "arm64"} {
		out := output(t, "env", "GOOS=linux", "CGO_ENABLED=0", "GOARCH="+arch, "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "ebbgate/cmd/ebbgate")
		for path := range strings.FieldsSeq(out) {
			if path != "ebbgate" {
				all = append(all, major.ReplaceAllString(path, ""))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// field returns the value of a field of a paragraph, with the lines that go on from it.
func field(paragraph, name string) string {
	_, rest, ok := strings.Cut("\n"+paragraph, "\n"+name+": ")
	if !ok {
		return ""
	}
	lines := strings.Split(rest, "\n")
	n := 1
	for n < len(lines) && strings.HasPrefix(lines[n], " ") {
		n++
	}
	return strings.TrimSpace(strings.Join(lines[:n], "\n"))
}
