package packaging

import (
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ebbgate/policy"
)

func example(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../config.example.toml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func installedPolicy(t *testing.T) string {
	t.Helper()
	text, err := Policy(example(t))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestPolicyIsHarmless is about every host on which the package may be installed.
func TestPolicyIsHarmless(t *testing.T) {
	p, err := policy.Parse("config.toml", []byte(installedPolicy(t)))
	if err != nil {
		t.Fatal(err)
	}
	if w := p.Warnings(); len(w) != 0 {
		t.Errorf("warnings: %v", w)
	}
	if len(p.Services) != 1 || p.Services[0].Mode != policy.Shadow {
		t.Fatalf("services %+v, want one in shadow mode", p.Services)
	}
	want, err := policy.Parse("want.toml", []byte(`mode = "shadow"
[[service]]
name = "web"
ports = [80, 443]
connections.per_source = 100
rate.new_per_source = "50/s"
`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, p, cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, netip.Prefix{})); diff != "" {
		t.Errorf("the installed policy differs from what its head says:\n%s", diff)
	}
}

// TestModeAtTheTopDecides: the one edit the file tells of must do what it says.
func TestModeAtTheTopDecides(t *testing.T) {
	text := strings.Replace(installedPolicy(t), "\nmode = \"shadow\"\n", "\nmode = \"enforce\"\n", 1)
	p, err := policy.Parse("config.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if p.Services[0].Mode != policy.Enforce {
		t.Errorf("mode %v after the edit, want enforce", p.Services[0].Mode)
	}
}

// TestExamplesCanBeTaken takes away each # before a key, as the head of the file says.
func TestExamplesCanBeTaken(t *testing.T) {
	commented := regexp.MustCompile(`(?m)^( *)#([a-z_0-9]+ = |\[)`)
	text := installedPolicy(t)
	all := commented.ReplaceAllString(text, "$1$2")
	_, got, _ := strings.Cut(all, "\n#\n# The smallest")
	_, want, ok := strings.Cut(example(t), "\n#\n# The smallest")
	if !ok {
		t.Fatal("the example does not begin as expected")
	}
	want = strings.Replace(want, `ports = [80, 443, "8000-8010"]`, "ports = [80, 443]", 1)
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("with all examples taken the policy is not the example:\n%s", diff)
	}
	places := commented.FindAllStringIndex(text, -1)
	if len(places) < 20 {
		t.Fatalf("%d keys are commented out", len(places))
	}
	override := strings.Index(text, "#[[service.override]]")
	for _, at := range places {
		if at[0] >= override-2 && at[0] < strings.Index(text, "[service.response]") {
			continue // these go together
		}
		one := text[:at[0]] + commented.ReplaceAllString(text[at[0]:at[1]], "$1$2") + text[at[1]:]
		if _, err := policy.Parse("config.toml", []byte(one)); err != nil {
			t.Errorf("with one example taken: %v", err)
		}
	}
}

func TestPolicyOfAnotherExample(t *testing.T) {
	for name, text := range map[string]string{
		"empty":            "",
		"begins with keys": "mode = \"shadow\"\n",
		"lacks keys":       "# Example\n\nmode = \"shadow\"\n",
	} {
		if got, err := Policy(text); err == nil {
			t.Errorf("%s: made %q of it", name, got)
		}
	}
}
