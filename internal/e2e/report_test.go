package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// pageText is what a browser would show of a page, and how many curves it would draw.
func pageText(t *testing.T, page string) (text string, curves int) {
	t.Helper()
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range tree.Descendants() {
		switch {
		case n.Type == html.TextNode && n.Parent.Data != "style":
			b.WriteString(n.Data + " ")
		case n.Type == html.ElementNode && n.Data == "path":
			for _, a := range n.Attr {
				if a.Key == "class" && strings.HasPrefix(a.Val, "line ") {
					curves++
				}
			}
		}
	}
	return strings.Join(strings.Fields(b.String()), " "), curves
}

// tells checks that a page says what the daemon tells of an attack.
func tells(t *testing.T, page string, a *control.Attack) {
	t.Helper()
	text, curves := pageText(t, page)
	want := []string{"Connection flood on shop", a.Evidence, control.Number(a.PeakHeld) + " capacity " + control.Number(capacity),
		"connections held at the peak " + control.Number(a.PeakHeld), "sources held back at a time " + control.Number(a.PeakSources),
		"connections beyond limits, marked for closing " + control.Number(a.Excess), "blocks begun " + control.Number(a.Blocked),
		fmt.Sprintf("%s %s %s", a.Rule, control.Number(a.Measured), control.Number(a.Threshold)), "First rule in the kernel", "per_source = 100"}
	for _, p := range a.Top {
		want = append(want, fmt.Sprintf("%s %s %s", control.SourceText(p.Prefix), control.Number(p.Held), control.Number(p.Sources)))
	}
	if !a.Ended.IsZero() {
		want = append(want, "It lasted "+control.Length(a.Ended.Sub(a.Since.Time)), "The attack ended "+a.EndedWhy)
	} else {
		want = append(want, "Still open")
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("the page does not say %q:\n%s", w, text)
		}
	}
	if curves < 4 {
		t.Errorf("%d curves are drawn, want those of connections, of the queue, and of limits and blocks", curves)
	}
}

// awaitStory waits until an attack ended and how it went is kept.
func (d *daemon) awaitStory(id string) (one *control.Attack, samples *control.Samples) {
	d.t.Helper()
	await(d.t, time.Minute, "the attack ended, and how it went is kept", func() (err error) {
		if one, err = d.client.Attack(d.t.Context(), id); err != nil || one.Ended.IsZero() {
			return errors.Join(err, errors.New("it is open"))
		}
		samples, err = d.client.Samples(d.t.Context(), id)
		return err
	})
	return one, samples
}

// TestReport makes pages of a real attack, while it is open and when it has ended.
func TestReport(t *testing.T) {
	s := newStage(t)
	s.server(everywhere(), capacity)
	s.write(strings.Replace(s.historyPolicy(), "[[service]]", fmt.Sprintf("[[service]]\ncapacity = %d", capacity), 1))
	d := s.start(command("run", "--config", s.config()))
	flood := s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	status := d.awaitStatus("sources are blocked", func(st *control.Status) error {
		if len(st.Services[0].Attacks) == 0 {
			return errors.New("no attack")
		}
		return blocked(8)(st)
	})
	id := status.Services[0].Attacks[0].ID
	file := filepath.Join(s.dir, "attack.html")
	page := func(to string, more ...string) outcome {
		return s.run(s.Victim, command(append([]string{"attacks", id, "--html", to, "--socket", s.socket()}, more...)...))
	}
	if o := page("-"); o.status != 0 || o.stderr != "" || !strings.Contains(o.stdout, "Still open") {
		t.Errorf("while it is open: %+v", o)
	}
	s.stop(flood)

	one, samples := d.awaitStory(id)
	if o := page(file); o.status != 0 || o.stderr != "" || o.stdout != file+": written\n" {
		t.Fatalf("written: %+v", o)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tells(t, string(b), one)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the page has mode %v, %v", info.Mode(), err)
	}
	if text, _ := pageText(t, string(b)); strings.Contains(text, "Hatched") {
		t.Errorf("the page, made as soon as the attack ended, has gaps:\n%s", text)
	}
	peak := 0
	for i := range samples.Samples {
		peak = max(peak, samples.Samples[i].Blocks)
	}
	if peak != 8 || one.Policy == nil || one.Policy.Capacity != capacity || one.Policy.PerSource != perSource {
		t.Errorf("the samples tell of %d blocks, the attack of the policy %+v", peak, one.Policy)
	}
	s.keepsFiles(file, page)
}

// keepsFiles checks that a page is written as a whole or not at all, and replaces another by force only.
func (s *stage) keepsFiles(file string, page func(to string, more ...string) outcome) {
	t := s.t
	t.Helper()
	if err := page(file).saysOneLine(1, "it exists", "--force"); err != nil {
		t.Error(err)
	}
	if o := page(file, "--force"); o.status != 0 {
		t.Errorf("by force: %+v", o)
	}
	if err := page(filepath.Join(s.dir, "no", "such")).saysOneLine(1, "write report", "no such file or directory"); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, ".ebbgate*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
