package csf

import (
	"errors"
	"fmt"
	"io/fs"

	"ebbgate/policy"
)

// Translation is a setting that the policy took over.
type Translation struct {
	Setting
	To          string `json:"to"`          // the key of the policy and its value
	Note        string `json:"note"`        // what is different; empty: nothing
	Approximate bool   `json:"approximate"` // the number does not mean quite the same
}

// Leftover is a setting, or a line of a file of addresses (Key is then empty), without a counterpart.
type Leftover struct {
	Setting
	Why string `json:"why"` // and what to do instead
}

// Import is what became of a configuration of csf.
type Import struct {
	File       string        `json:"file"`
	Policy     string        `json:"policy"` // TOML that policy.Parse accepts
	Translated []Translation `json:"translated"`
	Left       []Leftover    `json:"left"`
	Off        []string      `json:"off"`       // settings about connections that csf has switched off
	Elsewhere  int           `json:"elsewhere"` // settings that are not about connections
}

// maxLeft bounds Import.Left; one more says how many there are besides.
const maxLeft = 500

// Translate makes a policy of csf.conf and of csf.allow, csf.ignore and csf.deny in dir, which people know
// as shown; dir may be nil. It returns an error, which names the lines, if conf is not csf's, if a list
// cannot be read, or if nothing says which ports there are.
func Translate(conf Source, dir fs.FS, shown string) (*Import, error) {
	s, err := readSettings(conf)
	if err != nil {
		return nil, err
	}
	t := &translator{settings: s, out: &Import{File: conf.Name, Translated: []Translation{}, Left: []Leftover{}, Off: []string{}}}
	t.connections()
	t.perPort()
	t.group()
	t.rest()
	if err := t.lists(dir, shown); err != nil {
		return nil, err
	}
	if len(t.services) == 0 {
		return nil, fmt.Errorf("%s: names no TCP port in TCP_IN, CT_PORTS, CONNLIMIT or PORTFLOOD, so there is no service to protect; write a [[service]] by hand", conf.Name)
	}
	if n := len(t.out.Left); n > maxLeft {
		t.out.Left = append(t.out.Left[:maxLeft], Leftover{Why: fmt.Sprintf("and %d more", n-maxLeft)})
	}
	t.out.Policy = t.render()
	if _, err := policy.Parse("the translated policy", []byte(t.out.Policy)); err != nil {
		return nil, errors.Join(errors.New("the translation is not a good policy, which is a defect of this program"), err)
	}
	return t.out, nil
}

// translator holds what is known so far.
type translator struct {
	*settings
	out      *Import
	exempt   []exemption
	ct       tracking
	ports    map[uint16]*portLimits
	services []service
}

// taken notes that a setting was taken over, and returns the comment that says so.
func (t *translator) taken(e *entry, to, note string, approximate bool) string {
	t.out.Translated = append(t.out.Translated, Translation{e.Setting, to, note, approximate})
	text := fmt.Sprintf("%s:%d: %s = \"%s\".", base(e.File), e.Line, e.Key, e.Value)
	if approximate {
		text += " Approximate:"
	}
	if note != "" {
		text += " " + note
	}
	return text
}

// leave notes that a setting has no counterpart.
func (t *translator) leave(e *entry, format string, args ...any) {
	t.out.Left = append(t.out.Left, Leftover{e.Setting, fmt.Sprintf(format, args...)})
}
