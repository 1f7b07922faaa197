package policy

import (
	"maps"
	"strings"
	"testing"
)

func TestIndexPositions(t *testing.T) {
	for _, c := range []struct {
		name string
		src  string
		want positions
	}{
		{"empty", "", positions{}},
		{"keys", "\na = 1\n\nb.c = 2", positions{"a": 2, "b": 4, "b.c": 4}},
		{"tables", "[a]\nx = 1\n[a.b]\nx = 2\n[c.d]\n[c]\ny = 3",
			positions{"a": 1, "a.x": 2, "a.b": 3, "a.b.x": 4, "c": 5, "c.d": 5, "c.y": 7}},
		{"repeated tables", "[[s]]\nx = 1\n[s.t]\ny = 1\n[[s]]\nx = 2\n[s.t]\ny = 2",
			positions{"s": 1, "s[0]": 1, "s[0].x": 2, "s[0].t": 3, "s[0].t.y": 4, "s[1]": 5, "s[1].x": 6, "s[1].t": 7, "s[1].t.y": 8}},
		{"nested repeated tables", "[[s]]\n[[s.o]]\nx = 1\n[[s.o]]\n[[s]]\n[[s.o]]\nx = 3",
			positions{"s": 1, "s[0]": 1, "s[0].o": 2, "s[0].o[0]": 2, "s[0].o[0].x": 3, "s[0].o[1]": 4,
				"s[1]": 5, "s[1].o": 6, "s[1].o[0]": 6, "s[1].o[0].x": 7}},
		{"dotted keys in repeated tables", "[[s]]\na.b = 1\n[[s]]\na.b = 2",
			positions{"s": 1, "s[0]": 1, "s[0].a": 2, "s[0].a.b": 2, "s[1]": 3, "s[1].a": 4, "s[1].a.b": 4}},
		{"arrays", "a = [\n1, 2, # two\n\n\"x\"\n]\nb = 1", positions{"a": 1, "a[0]": 2, "a[1]": 2, "a[2]": 4, "b": 6}},
		{"arrays in arrays", "a = [\n[1],\n[\n2],\n[]\n]", positions{"a": 1, "a[0]": 2, "a[0][0]": 2, "a[1]": 4, "a[1][0]": 4}},
		{"inline tables", "a = [\n{ x = 1 },\n{ x.y = 2,\nz = [3] }\n]",
			positions{"a": 1, "a[0]": 2, "a[0].x": 2, "a[1]": 3, "a[1].x": 3, "a[1].x.y": 3, "a[1].z": 4, "a[1].z[0]": 4}},
		{"arrays of inline tables in repeated tables", "[[s]]\n[[s]]\nc.p = [\n{ a = 1,\nb = 2 },\n{},\n{ a = 3 }]\n[[s.o]]\nx = [\n1,\n2]",
			positions{"s": 1, "s[0]": 1, "s[1]": 2, "s[1].c": 3, "s[1].c.p": 3, "s[1].c.p[0]": 4, "s[1].c.p[0].a": 4, "s[1].c.p[0].b": 5,
				"s[1].c.p[1]": 6, "s[1].c.p[2]": 7, "s[1].c.p[2].a": 7, "s[1].o": 8, "s[1].o[0]": 8, "s[1].o[0].x": 9,
				"s[1].o[0].x[0]": 10, "s[1].o[0].x[1]": 11}},
		{"quoted keys", "\"a.b\" = 1\n'c d'.e = 2\n\"f\" = 3", positions{`"a.b"`: 1, `"a`: 1, `"c d"`: 2, `"c d".e`: 2, "f": 3}},
		{"multi-line strings", "a = \"\"\"\n\n\"\"\"\nb = '''\n'''\nc = 1", positions{"a": 1, "b": 4, "c": 6}},
		{"CRLF", "a = 1\r\n\r\nb = [\r\n1]\r\n", positions{"a": 1, "b": 3, "b[0]": 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var problems problemList
			got, ok := indexPositions([]byte(c.src), &problems)
			if !ok || problems.err() != nil {
				t.Fatal(problems.err())
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("got  %v\nwant %v", got, c.want)
			}
		})
	}
}

func TestIndexBlanksWhatIsGivenTwice(t *testing.T) {
	src := []byte("a = 1 # one\n[[s]]\nb = 1\n[[s]]\nb = 1\nb = [\r\n2,\n3] # two\nc = 1\n")
	var problems problemList
	lines, ok := indexPositions(src, &problems)
	if !ok || len(problems.found) != 1 || problems.found[0].String() != ":6: s[1].b: is given twice, first on line 5; keep one" {
		t.Fatalf("problems are %v", problems.found)
	}
	want := "a = 1 # one\n[[s]]\nb = 1\n[[s]]\nb = 1\n     \r\n  \n   # two\nc = 1\n"
	if string(src) != want {
		t.Errorf("left over is %q, want %q", src, want)
	}
	if lines["s[1].c"] != 9 {
		t.Errorf("lines are %v", lines)
	}
}

func TestPositionsLine(t *testing.T) {
	p := positions{"service[1]": 5, "service[1].ports": 7, "service": 2}
	for path, want := range map[string]int{
		"service[1].ports[3]":       7,
		"service[1].response.lease": 5,
		"service[0].name":           2,
		"observe.tick":              1,
		"":                          1,
	} {
		if got := p.line(path); got != want {
			t.Errorf("line(%q) = %d, want %d", path, got, want)
		}
	}
}

func TestWithoutIndexes(t *testing.T) {
	for path, want := range map[string]string{
		"": "", "mode": "mode", "service[12].ports[0]": "service.ports", "service[0]": "service", "a[0][1].b": "a.b",
	} {
		if got := withoutIndexes(path); got != want {
			t.Errorf("withoutIndexes(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestAlike(t *testing.T) {
	for _, c := range []struct {
		a, b     string
		distance int
		ok       bool
	}{
		{"ports", "ports", 0, true},
		{"port", "ports", 1, true},
		{"potr", "ports", 2, true},
		{"quite", "quiet", 2, true},
		{"rate", "name", 2, false},
		{"view_groups", "view_group", 1, true},
		{"", "name", 0, false},
		{strings.Repeat("x", 1000), "name", 0, false},
	} {
		d, ok := alike(c.a, c.b)
		if ok != c.ok || d != c.distance {
			t.Errorf("alike(%q, %q) = %d, %v, want %d, %v", c.a, c.b, d, ok, c.distance, c.ok)
		}
	}
}
