package packaging

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
)

// Page is a manual page, composed as the Markdown that md2man knows. Its zero value is of no use: see NewPage.
type Page struct{ b strings.Builder }

// NewPage begins a page: its name, its section, the date as YYYY-MM-DD, the version of the program,
// and what it is about in a few words.
func NewPage(name string, section int, date, version, about string) *Page {
	p := &Page{}
	// Nothing is escaped in a title: programs read it.
	fmt.Fprintf(&p.b, "%% \"%s\" \"%d\" \"%s\" \"%s\" \"ebbgate\"\n",
		strings.ToUpper(name), section, date, strings.TrimSpace("ebbgate "+release(version)))
	p.Section("Name")
	fmt.Fprintf(&p.b, "%s - %s\n", escape(name), escape(about))
	return p
}

// release returns the release that a version is, or follows; "" before the first. What is between releases
// is too much for a footer.
func release(version string) string {
	before, _, between := strings.Cut(version, "git")
	if before = strings.TrimRight(before, "~+"); between && before == "0" {
		return ""
	}
	return before
}

// Section begins a section.
func (p *Page) Section(name string) {
	fmt.Fprintf(&p.b, "\n## %s\n", escape(strings.ToUpper(name)))
}

// Subsection begins a part of a section.
func (p *Page) Subsection(name string) { fmt.Fprintf(&p.b, "\n### %s\n", escape(name)) }

// Usage writes a command line: the name is bold, the rest as it is.
func (p *Page) Usage(name, rest string) {
	fmt.Fprintf(&p.b, "\n**%s** %s\n", escape(name), escape(rest))
}

// Option writes something with its explanation, which is indented and not empty. What is a placeholder
// follows it on its line.
func (p *Page) Option(name, placeholder, text string) {
	term := "**" + escape(name) + "**"
	if placeholder != "" {
		term += " *" + escape(placeholder) + "*"
	}
	body := strings.ReplaceAll(strings.TrimRight(markdown(text), "\n"), "\n", "\n    ")
	fmt.Fprintf(&p.b, "\n%s\n: %s\n", term, body)
}

// Text writes paragraphs. A line that is indented by two blanks, or has columns set apart by three, stands
// as it is; others are filled, but "Default:" and "Required." begin a line. No paragraph may begin with "%",
// which md2man takes for a title wherever it is.
func (p *Page) Text(text string) { p.b.WriteString("\n" + markdown(text)) }

// SeeAlso writes names of other pages, each with its section, as "ebbgate(8)".
func (p *Page) SeeAlso(pages ...string) {
	separator := "\n"
	for _, page := range pages {
		name, section, _ := strings.Cut(page, "(")
		fmt.Fprintf(&p.b, "%s**%s**(%s", separator, escape(name), escape(section))
		separator = ",\n"
	}
	p.b.WriteString("\n")
}

// typed makes roff print as they are typed in a shell the characters that it would set as a hyphen, a quotation
// mark or an accent (groff_char(7)), which md2man leaves to it.
var typed = strings.NewReplacer(`\\`, `\e`, `\-`, `\-`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)

// spare are the empty lines before what makes space itself: mandoc(1) would make both.
var spare = regexp.MustCompile(`\n\n+\.(PP|SH|SS|TP)\b`)

// String returns the page in the man language (groff_man(7)).
func (p *Page) String() string {
	var b strings.Builder
	page := spare.ReplaceAllString(string(md2man.Render([]byte(p.b.String()))), "\n.$1")
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, ".") {
			line = typed.Replace(line)
		}
		b.WriteString(line)
	}
	return b.String()
}

var keyFacts = regexp.MustCompile(`([^\n])\n(Default:|Required\.)`)

// markdown turns text into paragraphs and indented code, each with an empty line at its end.
func markdown(text string) string {
	var b strings.Builder
	code := false
	text = keyFacts.ReplaceAllString(strings.Trim(text, "\n"), "$1  \n$2")
	for line := range strings.Lines(text + "\n\n") {
		if stands(line) != code {
			code = !code
			b.WriteString("\n")
		}
		if code {
			b.WriteString("    " + line)
		} else {
			b.WriteString(escape(line))
		}
	}
	return b.String()
}

// stands tells whether a line stands as it is.
func stands(line string) bool {
	return strings.HasPrefix(line, "  ") || strings.Contains(line, "   ")
}

var (
	special = regexp.MustCompile("[\\\\`*_\\[<>&#+:|~-]")
	number  = regexp.MustCompile(`(?m)^(\d+)\.`)
)

// escape writes what Markdown takes for something else.
func escape(text string) string {
	return number.ReplaceAllString(special.ReplaceAllString(text, `\$0`), `$1\.`)
}
