package report

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
)

// hostile breaks out of whatever it is put into, if it can.
var hostile = []string{
	`</script><script>alert(1)</script>`,
	`</title></style><img src=x onerror=alert(1)>`,
	`"><svg onload=alert(1)>`, `' onmouseover='alert(1)`,
	"</pre><iframe src=//evil.example>\n\"\"\"\n[control]\n", "javascript:alert(1)", "{{.Style}}", "<!--", "]]>", "&lt;b&gt;",
	"\x1b[2J\x1b]0;t\a", "a\r\nb", "\u202egnp.exe\u2066", "\xff\xfe\x00", "x\u200by",
}

// elements and attributes are all that a report is made of.
var (
	elements   = strings.Fields("html head meta title style body main header p h1 h2 h3 span div dl dt dd section small ol ul li figure figcaption svg text rect path line table thead tbody tr th td code pre footer")
	attributes = strings.Fields("lang charset http-equiv content name class id width height role aria-labelledby aria-hidden x x1 x2 y y1 y2 dx dy rx text-anchor viewBox preserveAspectRatio overflow d")
)

// poison writes a text into every string that v holds.
func poison(v reflect.Value, text string) int {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return 1
	case reflect.Pointer:
		if v.IsNil() {
			return 0
		}
		return poison(v.Elem(), text)
	case reflect.Struct:
		n := 0
		for i := range v.NumField() {
			if v.Field(i).CanSet() && v.Field(i).Type().PkgPath() != "time" {
				n += poison(v.Field(i), text)
			}
		}
		return n
	case reflect.Slice:
		n := 0
		for i := range v.Len() {
			n += poison(v.Index(i), text)
		}
		return n
	}
	return 0
}

// inert fails where a page holds what we did not write: an element, an attribute, an address to fetch, or
// something that a browser would not simply show.
func inert(t *testing.T, page string) {
	t.Helper()
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	known := func(list []string, name string) bool {
		for _, x := range list {
			if x == name {
				return true
			}
		}
		return false
	}
	styles := 0
	for n := range tree.Descendants() {
		switch n.Type {
		case html.ElementNode:
			if !known(elements, n.Data) {
				t.Errorf("an element %q", n.Data)
			}
			for _, a := range n.Attr {
				if !known(attributes, a.Key) {
					t.Errorf("an attribute %s=%q of %s", a.Key, a.Val, n.Data)
				}
			}
			if n.Data == "style" {
				styles++
				if n.FirstChild.Data != styleText {
					t.Error("the style is not ours")
				}
			}
		case html.CommentNode:
			t.Errorf("a comment %q", n.Data)
		case html.TextNode:
			for _, r := range n.Data {
				if !unicode.IsPrint(r) && r != '\n' || r == unicode.ReplacementChar {
					t.Errorf("%q holds %q", n.Data, r)
					break
				}
			}
		}
	}
	if styles != 1 {
		t.Errorf("%d styles, want 1", styles)
	}
}

func TestHostileTextIsInert(t *testing.T) {
	for name, made := range map[string]func() *Facts{"flood": flood, "slow": slow, "spoofed": spoofed} {
		plain := render(t, made())
		inert(t, plain)
		for _, evil := range hostile {
			f := made()
			if n := poison(reflect.ValueOf(f), evil); n < 8 {
				t.Fatalf("%s: only %d texts", name, n)
			}
			inert(t, render(t, f))
		}
		// One text at a time, kinds and rules as they are: other branches are taken.
		for _, evil := range hostile {
			f := made()
			f.Attack.Service, f.Attack.Why, f.Attack.EndedWhy, f.Missing, f.Host = evil, evil, evil, evil, evil
			for i := range f.Attack.Changes {
				f.Attack.Changes[i].What, f.Attack.Changes[i].Why = "share set to "+evil, evil
			}
			page := render(t, f)
			inert(t, page)
			if got, want := strings.Count(page, "<"), strings.Count(plain, "<"); evil != "" && got < want {
				t.Errorf("%s: %q took %d tags away", name, evil, want-got)
			}
		}
	}
}

func TestNothingIsFetched(t *testing.T) {
	for _, f := range []*Facts{flood(), slow(), spoofed()} {
		page := render(t, f)
		for _, text := range []string{"http:", "https:", "//", "url(", "@import", "<script", "src=", "href=", " on", "data:"} {
			if strings.Contains(strings.ReplaceAll(page, " on ", " "), text) && text != " on" && !strings.Contains(styleText, text) {
				t.Errorf("the page holds %q", text)
			}
		}
		if !strings.Contains(page, `content="default-src &#39;none&#39;; style-src &#39;sha256-`) {
			t.Error("no security policy")
		}
	}
}

func FuzzText(f *testing.F) {
	for _, evil := range hostile {
		f.Add(evil)
	}
	f.Fuzz(func(t *testing.T, evil string) {
		facts := flood()
		poison(reflect.ValueOf(facts), evil)
		var b bytes.Buffer
		if err := Write(&b, facts); err != nil {
			t.Fatal(err)
		}
		inert(t, b.String())
	})
}
