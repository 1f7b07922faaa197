package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{"x\n", `the string "x\n"`},
		{strings.Repeat("x", 100), `the string "` + strings.Repeat("x", 60) + `..."`},
		{int64(-3), "the integer -3"},
		{1.5, "the float 1.5"},
		{true, "the boolean true"},
		{time.Time{}, "a date or time"},
		{map[string]any{"a": 1}, "a table"},
		{[]map[string]any{{}}, "a repeated table"},
		{[]any{int64(1)}, "an array"},
	} {
		if got := describe(c.value); got != c.want {
			t.Errorf("describe(%v) = %q, want %q", c.value, got, c.want)
		}
	}
}

// The keys are the operator's contract: this list changes only together with the example file
// and the documentation.
func TestRawKeys(t *testing.T) {
	want := []string{
		"mode",
		"exempt.prefixes", "exempt.ssh_groups",
		"observe.tick", "observe.cpu_budget", "observe.max_sources", "observe.ipv6_source", "observe.meters",
		"observe.syn_pressure",
		"limits.max_blocks", "limits.conntrack",
		"service.name", "service.mode", "service.ports", "service.addresses", "service.traffic", "service.capacity",
		"service.connections.per_source", "service.connections.per_prefix", "service.connections.close_excess",
		"service.rate.syn_per_source", "service.rate.new_per_source",
		"service.override.prefixes", "service.override.per_source", "service.override.new_per_source",
		"service.response.refuse_with", "service.response.lease", "service.response.quiet",
		"service.response.block_after", "service.response.block_for",
		"control.socket", "control.view_group",
		"metrics.listen",
		"history.path", "history.keep",
	}
	if got := rawKeys(reflect.TypeFor[rawPolicy](), ""); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// everyKey returns the keys of rawKeys and those in braces.
func everyKey() []string {
	return slices.Concat(rawKeys(reflect.TypeFor[rawPolicy](), ""), rawKeys(reflect.TypeFor[rawPrefixLimit](), "service.connections.per_prefix"))
}

// Every key must be refused, on its line and by its name, when its value has a wrong type: none
// is silently ignored.
func TestEveryKeyRefusesWrongTypes(t *testing.T) {
	for _, key := range everyKey() {
		for _, value := range []string{"1.5", "1979-05-27T07:32:00Z", "{ x = 1 }", "[[]]"} {
			src, place := withKey(key, value), "F:1: "+key
			if inService, ok := strings.CutPrefix(key, "service."); ok {
				inService = strings.Replace(inService, "override.", "override[0].", 1)
				inService = strings.Replace(inService, "per_prefix.", "per_prefix[0].", 1)
				place = "F:4: service[0]." + inService
				switch inService {
				case "name":
					src, place = "[[service]]\nname = "+value+"\nports = [80]\n", "F:2: service[0].name"
				case "ports":
					src, place = "[[service]]\nports = "+value+"\nname = \"a\"\n", "F:2: service[0].ports"
				}
			}
			p, err := Parse("F", []byte(src))
			if p != nil || err == nil {
				t.Errorf("%s = %s is accepted", key, value)
				continue
			}
			if !strings.HasPrefix(err.Error(), place) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), ", must be ") {
				t.Errorf("%s = %s: %v", key, value, err)
			}
		}
	}
}

// A key is misspelled in many ways; the file must stay bad and name the right key.
func TestEveryKeyIsSuggested(t *testing.T) {
	for _, key := range everyKey() {
		name := key[strings.LastIndexByte(key, '.')+1:]
		for _, wrong := range []string{strings.ToUpper(name), name + "x", name[1:], name[:1] + "_" + name[1:]} {
			_, err := Parse("F", []byte(withKey(strings.TrimSuffix(key, name)+wrong, "1")))
			want := fmt.Sprintf("did you mean %q?", name)
			if strings.EqualFold(wrong, name) {
				want = fmt.Sprintf("write %q: case matters", name)
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s for %s: %v", wrong, key, err)
			}
		}
	}
}

func TestFillIsInFileOrder(t *testing.T) {
	p := &parser{at: positions{"b": 1, "a": 2, "c": 2}}
	if got := p.inFileOrder("", map[string]any{"a": 1, "b": 1, "c": 1}); !slices.Equal(got, []string{"b", "a", "c"}) {
		t.Errorf("order is %v", got)
	}
}
