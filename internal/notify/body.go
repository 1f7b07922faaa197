package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"slices"
	"strings"
)

// Format says how a notification is written.
type Format string

// The formats.
const (
	JSON  Format = "json"  // the Notification
	Slack Format = "slack" // an object with the one field text, which most chat tools take
	Plain Format = "text"  // the text, and the lines of a digest after it
	Mail  Format = "mail"  // a message for sendmail(8): subject and text, without recipients
)

// Formats lists all of them.
func Formats() []Format { return []Format{JSON, Slack, Plain, Mail} }

// ParseFormat reads the name of a format; the error lists them.
func ParseFormat(name string) (Format, error) {
	if f := Format(name); slices.Contains(Formats(), f) {
		return f, nil
	}
	return "", fmt.Errorf("%q is no format: must be json, slack, text or mail", name)
}

// contentType is that of the body by RFC 6838.
func (f Format) contentType() string {
	switch f {
	case Plain:
		return "text/plain; charset=utf-8"
	case Mail:
		return "message/rfc822"
	default:
		return "application/json"
	}
}

// body writes a notification.
func (f Format) body(n *Notification) ([]byte, error) {
	text := strings.Join(slices.Concat([]string{n.Text}, n.Lines), "\n")
	switch f {
	case Plain:
		return []byte(text + "\n"), nil
	case Mail:
		return message(n, text), nil
	case Slack:
		return encode(struct {
			Text string `json:"text"`
		}{slackEscape.Replace(text)})
	default:
		return encode(n)
	}
}

// slackEscape keeps a text from calling everybody or posing as a link (Slack's "Escaping text"). Other chat
// tools show these characters as they are written here.
var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// encode writes one line of JSON.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode notification: %w", err)
	}
	return b.Bytes(), nil
}

// maxSubject keeps a subject's line, encoded, well within the 998 bytes of RFC 5322, 2.1.1.
const maxSubject = 120

// message writes a message of RFC 5322 whose sender and recipients sendmail fills in. The texts are on one line
// each and have no control characters, so none can add a header.
func message(n *Notification, text string) []byte {
	var b bytes.Buffer
	subject := clip(n.Text, maxSubject)
	for _, header := range [][2]string{
		{"Subject", mime.QEncoding.Encode("utf-8", "[ebbgate] "+subject)},
		{"Auto-Submitted", "auto-generated"}, // RFC 3834, 5.1: nobody's holiday answers it
		{"MIME-Version", "1.0"},
		{"Content-Type", Plain.contentType()},
		{"Content-Transfer-Encoding", "8bit"},
	} {
		fmt.Fprintf(&b, "%s: %s\n", header[0], header[1])
	}
	b.WriteString("\n" + text + "\n")
	return b.Bytes()
}
