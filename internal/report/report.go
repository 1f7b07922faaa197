package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"time"

	"ebbgate/control"
)

// Facts are what a report is made of.
type Facts struct {
	Attack  *control.Attack
	Samples *control.Samples // how it went; nil: not known, and Missing says why
	Missing string
	At      time.Time // when the daemon told it
	Version string    // of the daemon
	Host    string
	Zone    *time.Location // of the times shown
}

//go:embed page.html
var pageText string

//go:embed style.css
var styleText string

// Write writes the report. It fails only where w does.
func Write(w io.Writer, f *Facts) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, newPage(f)); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// securityPolicy lets a browser use our style sheet and nothing else, whatever finds its way into the page.
func securityPolicy() string {
	sum := sha256.Sum256([]byte(styleText))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}
