package packaging

import (
	"strings"
	"testing"
)

// body returns what a page says after its heading.
func body(p *Page) string {
	_, rest, _ := strings.Cut(p.String(), `x \- y`+"\n")
	return rest
}

func TestPage(t *testing.T) {
	const above = ".SH A\n"
	for _, tt := range []struct {
		name string
		do   func(p *Page)
		want string
	}{
		{"paragraphs", func(p *Page) { p.Text("one\ntwo\n\nthree\n") }, "one\ntwo\n.PP\nthree\n"},
		{"nothing", func(p *Page) { p.Text("\n"); p.Text("one") }, "one\n"},
		{"two texts", func(p *Page) { p.Text("one"); p.Text("two") }, "one\n.PP\ntwo\n"},
		{"subsection", func(p *Page) { p.Subsection("[[a_b]]"); p.Text("one") }, ".SS [[a_b]]\none\n"},
		{"lines that stand", func(p *Page) { p.Text("one:\n  - a\n    b\ntwo") }, "one:\n\n.EX\n  \\- a\n    b\n.EE\n.PP\ntwo\n"},
		{"lines that stand first", func(p *Page) { p.Text("  a\n  b\n") }, ".EX\n  a\n  b\n.EE\n"},
		{"columns", func(p *Page) { p.Text("a   b\ncc   d") }, ".EX\na   b\ncc   d\n.EE\n"},
		{"columns of anything", func(p *Page) { p.Text("  *a*   `b`\n  .x   'y'\n  ```   \\-") },
			".EX\n  *a*   \\(gab\\(ga\n  .x   \\(aqy\\(aq\n  \\(ga\\(ga\\(ga   \\e\\-\n.EE\n"},
		{"option", func(p *Page) { p.Option("--top", "int", "how many\nDefault: 10.\n\nmore\n\n  top = 1") },
			".TP\n\\fB\\-\\-top\\fP \\fIint\\fP\nhow many\n.br\nDefault: 10.\n\nmore\n\n.EX\n  top = 1\n.EE\n"},
		{"options", func(p *Page) { p.Option("run", "", "Required. Unique."); p.Option("a_b", "[ID]", "x") },
			".TP\n\\fBrun\\fP\nRequired. Unique.\n.TP\n\\fBa_b\\fP \\fI[ID]\\fP\nx\n"},
		{"option with an example alone", func(p *Page) { p.Option("a", "", "x\n\n  a = 1"); p.Text("two") },
			".TP\n\\fBa\\fP\nx\n\n.EX\n  a = 1\n.EE\n.PP\ntwo\n"},
		{"usage", func(p *Page) { p.Usage("ebbgate run", "[flags]") }, "\\fBebbgate run\\fP [flags]\n"},
		{"see also", func(p *Page) { p.SeeAlso("a(8)", "b-c(5)") }, "\\fBa\\fP(8),\n\\fBb\\-c\\fP(5)\n"},
		{"typed", func(p *Page) { p.Text(".x\n'y'\n~^` a-b") }, "\\&.x\n\\&\\(aqy\\(aq\n\\(ti\\(ha\\(ga a\\-b\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := NewPage("x", 8, "2026-01-02", "1", "y")
			p.Section("a")
			tt.do(p)
			got, found := strings.CutPrefix(body(p), above)
			if !found || got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestPageKeepsText gives text to a page that Markdown takes for something else.
func TestPageKeepsText(t *testing.T) {
	for _, text := range []string{
		"a_b_c *d* _e_ **f** __g__ ~~h~~ `i`", `a\b \* \- \\`, "<b>x</b> <a@example.org> <https://example.org>", "&amp; & &#45; <!-- x -->",
		"[a](b) [c] [^d] ^[e] ![f](g) [[service]] []", "# a", "> a", "- a", "+ a", "* a", "1. a", "10. a\n2. b", ": a", "a\n: b", "a\n---", "---", "~~~\na\n~~~",
		"a | b\n--|--\nc | d", "[a]: https://example.org", "a:\n- b\n- c", "*[a]: b", `"a" (b) {c} d! 5% = $x`, "exempt.prefixes, a. B.",
	} {
		p := NewPage("x", 8, "2026-01-02", "1", "y")
		p.Section("a")
		p.Text("before")
		p.Text(text)
		if got := plain(body(p)); got != ".SH A\nbefore\n.PP\n"+text+"\n" {
			t.Errorf("%q: got\n%s", text, got)
		}
		o := NewPage("x", 8, "2026-01-02", "1", "y")
		o.Option("a", "", text)
		if got := plain(body(o)); got != ".TP\na\n"+text+"\n" {
			t.Errorf("%q: as an option got\n%s", text, got)
		}
	}
}

// TestPageHeading: a footer has room for a release, not for what is between two.
func TestPageHeading(t *testing.T) {
	for version, want := range map[string]string{
		"1.2.3":                     "ebbgate 1.2.3",
		"1.2.3~rc1":                 "ebbgate 1.2.3~rc1",
		"1.2.3+git20260102030405.x": "ebbgate 1.2.3",
		"0~git20260102030405.x":     "ebbgate",
		"0~devel":                   "ebbgate 0~devel",
	} {
		want := ".nh\n" + `.TH "EBBGATE-RUN" "8" "2026-01-02" "` + want + "\" \"ebbgate\"\n.SH NAME\nebbgate\\-run \\- run it\n"
		if got := NewPage("ebbgate-run", 8, "2026-01-02", version, "run it").String(); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", version, got, want)
		}
	}
}
