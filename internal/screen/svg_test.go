package screen

import (
	"encoding/xml"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/hinshun/vt10x"
)

func TestSVG(t *testing.T) {
	s := New(t, 40, 10)
	p := s.Start(exec.Command("printf", `\n\033[1;31mred <b>\033[0m & \033[38;5;46mgreen\033[0m \033[48;2;1;2;3mdeep\033[0m`))
	if status := p.Wait(); status != 0 {
		t.Fatalf("exit status %d", status)
	}
	s.Await("deep")
	got := s.SVG()
	for _, want := range []string{`font-weight="bold"`, "red &lt;b&gt;", "&amp;", `fill="#00ff00"`, `fill="#010203"`, `fill="#ff8a7d"`, `height="62"`} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in:\n%s", want, got)
		}
	}
	d := xml.NewDecoder(strings.NewReader(got))
	text := ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		if c, ok := token.(xml.CharData); ok {
			text += string(c)
		}
	}
	if !strings.Contains(text, "red <b>") {
		t.Errorf("it says %q", text)
	}
}

func TestColour(t *testing.T) {
	for c, want := range map[vt10x.Color]string{vt10x.DefaultFG: ink, vt10x.DefaultBG: ground, 1: basic[1], 16: "#000000", 231: "#ffffff", 196: "#ff0000", 232: "#080808", 255: "#eeeeee", 0x102030: "#102030"} {
		if got := colour(c); got != want {
			t.Errorf("%d is %s, want %s", c, got, want)
		}
	}
}
