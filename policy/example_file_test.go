package policy

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const exampleFile = "../config.example.toml"

// documented is what the example file says above one key.
type documented struct{ comment, value string }

// readExample returns the documentation of each key of the example file by its full name.
func readExample(t *testing.T) map[string]documented {
	t.Helper()
	src, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]documented{}
	table, comment := "", ""
	for line := range strings.SplitSeq(string(src), "\n") {
		line = strings.TrimSpace(line)
		key, value, assigned := strings.Cut(line, " = ")
		switch {
		case strings.HasPrefix(line, "#"):
			comment += strings.TrimSpace(line[1:]) + " "
		case assigned:
			name := joinKey(table, key)
			if table == "" {
				name = key
			}
			if _, ok := keys[name]; ok {
				t.Errorf("key %s is documented twice", name)
			}
			keys[name] = documented{comment, value}
			comment = ""
		default:
			if strings.HasPrefix(line, "[") {
				table = strings.Trim(line, "[]")
			}
			comment = ""
		}
	}
	return keys
}

// withKey returns the smallest policy with one more key, and what that needs beside it.
func withKey(key, value string) string {
	if name, ok := strings.CutPrefix(key, "service.override."); ok {
		return web + "override = [" + entryWith(name, value, "prefixes", `["198.51.100.0/24"]`, "per_source", "9") + "]\n"
	}
	if name, ok := strings.CutPrefix(key, "service.connections.per_prefix."); ok {
		length := "ipv4"
		if strings.HasPrefix(name, "ipv6") {
			length = name
		}
		return web + "connections.per_prefix = [" + entryWith(name, value, length, "24", "limit", "9") + "]\n"
	}
	if inService, ok := strings.CutPrefix(key, "service."); ok {
		return web + inService + " = " + value + "\n"
	}
	return key + " = " + value + "\n" + web
}

// entryWith returns an inline table of a key and of others (key, value, ...) that are not the same.
func entryWith(key, value string, others ...string) string {
	entry := key + " = " + value
	for i := 0; i < len(others); i += 2 {
		if others[i] != key {
			entry += ", " + others[i] + " = " + others[i+1]
		}
	}
	return "{ " + entry + " }"
}

func TestExampleFileIsGood(t *testing.T) {
	src, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse("config.example.toml", src)
	if err != nil {
		t.Fatal(err)
	}
	if w := p.Warnings(); len(w) > 0 {
		t.Errorf("the example causes warnings: %v", w)
	}
	for i, line := range strings.Split(string(src), "\n") {
		if len(line) > 100 {
			t.Errorf("line %d has %d columns, must be at most 100", i+1, len(line))
		}
	}
}

func TestExampleFileNamesEveryKey(t *testing.T) {
	got := slices.Sorted(maps.Keys(readExample(t)))
	want := slices.Sorted(slices.Values(rawKeys(reflect.TypeFor[rawPolicy](), "")))
	if !slices.Equal(got, want) {
		t.Errorf("keys of the example: %v\nkeys of the policy:  %v", got, want)
	}
}

// Every default of the example, written into a policy, must change nothing.
func TestExampleFileDefaults(t *testing.T) {
	absent := map[string]string{
		"service.name":                    "Required.",
		"service.ports":                   "Required.",
		"service.mode":                    "Default: the mode at the top.",
		"service.connections.per_source":  "Default: no limit.",
		"service.rate.syn_per_source":     "Default: no limit.",
		"service.rate.new_per_source":     "Default: no limit.",
		"service.override.prefixes":       "Required.",
		"service.override.per_source":     "Default: that of the service.",
		"service.override.new_per_source": "Default: that of the service.",
		"service.capacity":                "Default: not known.",
	}
	literal := regexp.MustCompile(`Default: ("[^"]*"|\[[^\]]*\]|\w+)\.`)
	filled := []string{"exempt.prefixes", "exempt.ssh_groups", "service.connections.per_prefix"} // by default empty
	minimal := mustParse(t, web)
	for key, doc := range readExample(t) {
		if want, ok := absent[key]; ok {
			if !strings.Contains(doc.comment, want) {
				t.Errorf("%s: comment %q lacks %q", key, doc.comment, want)
			}
			continue
		}
		m := literal.FindStringSubmatch(doc.comment)
		if m == nil {
			t.Errorf("%s: comment %q has no default", key, doc.comment)
			continue
		}
		if got := mustParse(t, withKey(key, m[1])); !reflect.DeepEqual(normal(got), normal(minimal)) {
			t.Errorf("%s: documented default %s gives %+v, want %+v", key, m[1], got, minimal)
		}
		if !slices.Contains(filled, key) && doc.value != m[1] {
			t.Errorf("%s: is %s in the example, documented default is %s", key, doc.value, m[1])
		}
	}
}

// normal makes empty and absent lists equal.
func normal(p *Policy) Policy {
	q := *p
	q.Exempt.Prefixes = append([]netip.Prefix{}, p.Exempt.Prefixes...)
	q.Services = slices.Clone(p.Services)
	for i := range q.Services {
		q.Services[i].Addresses = append([]netip.Addr{}, p.Services[i].Addresses...)
	}
	return q
}

func TestExampleFileBounds(t *testing.T) {
	durations := func(least, most any) string { return fmt.Sprintf(`Range: "%v" to "%v".`, least, most) }
	rates := func(least, most int) string { return fmt.Sprintf(`Range: "%d/s" to "%d/s".`, least, most) }
	integers := func(least, most int) string { return fmt.Sprintf("Range: %d to %d.", least, most) }
	bounds := map[string][]string{
		"mode":                 {fmt.Sprintf("Allowed: %q, %q.", Shadow, Enforce)},
		"exempt.prefixes":      {fmt.Sprintf("At most %d.", MaxExempt)},
		"exempt.ssh_groups":    {fmt.Sprintf("At most %d.", MaxSSHGroups)},
		"observe.syn_pressure": {rates(MinSYNPressure, MaxSYNPressure)},
		"limits.max_blocks":    {integers(MinMaxBlocks, MaxMaxBlocks)},
		"service.connections.per_prefix": {fmt.Sprintf("At most %d.", MaxPrefixLimits),
			fmt.Sprintf("Range of ipv4: %d to %d.", MinIPv4Prefix, MaxIPv4Prefix), fmt.Sprintf("Range of ipv6: %d to ipv6_source - 1.", MinIPv6Prefix),
			fmt.Sprintf("Range of limit: %d to %d, and not below per_source.", MinPerSource, MaxPerPrefix)},
		"service.rate.new_per_source":      {rates(MinNewPerSource, MaxNewPerSource)},
		"service.override.prefixes":        {fmt.Sprintf("At most %d for each service.", MaxOverrides)},
		"service.override.per_source":      {integers(MinPerSource, MaxPerSource)},
		"service.override.new_per_source":  {rates(MinNewPerSource, MaxNewPerSource)},
		"service.response.block_after":     {durations(Brief(MinBlockAfter), Brief(MaxBlockAfter)), "\"0s\" is never."},
		"service.response.block_for":       {durations(Brief(MinBlockFor), Brief(MaxBlockFor)), fmt.Sprintf("From 1 to %d.", MaxBlockSteps)},
		"observe.tick":                     {durations(Brief(MinTick), Brief(MaxTick))},
		"observe.cpu_budget":               {durations(percentage(MinCPUBudget), percentage(MaxCPUBudget))},
		"observe.max_sources":              {integers(MinMaxSources, MaxMaxSources)},
		"observe.ipv6_source":              {integers(MinIPv6Source, MaxIPv6Source)},
		"observe.meters":                   {fmt.Sprintf("Allowed: %q, %q.", Auto, Always)},
		"limits.conntrack":                 {fmt.Sprintf("%q or %q", TrackWatched, TrackNever)},
		"service.traffic":                  {fmt.Sprintf("Allowed: %q, %q, %q.", Local, Forwarded, Both)},
		"service.capacity":                 {integers(MinCapacity, MaxCapacity)},
		"service.rate.syn_per_source":      {rates(MinSYNPerSource, MaxSYNPerSource), fmt.Sprintf("at %d/s a source", DefaultSYNRate)},
		"service.name":                     {fmt.Sprintf("up to %d of", MaxServiceName-1)},
		"service.mode":                     {fmt.Sprintf("Allowed: %q, %q.", Shadow, Enforce)},
		"service.ports":                    {integers(1, 65535), fmt.Sprintf("At most %d.", MaxPortRanges)},
		"service.addresses":                {fmt.Sprintf("At most %d.", MaxAddresses)},
		"service.connections.per_source":   {integers(MinPerSource, MaxPerSource)},
		"service.connections.close_excess": {"Allowed: true, false."},
		"service.response.refuse_with":     {fmt.Sprintf("Allowed: %q, %q.", Reset, Drop)},
		"service.response.lease":           {durations(Brief(MinLease), Brief(MaxLease)), fmt.Sprintf("At least %d ticks.", MinTicksPerLease)},
		"service.response.quiet":           {durations(Brief(MinQuiet), Brief(MaxQuiet))},
		"control.socket":                   {fmt.Sprintf("at most %d bytes", MaxSocketPath)},
		"metrics.listen":                   {"A port of 1 to 65535."},
		"history.path":                     {fmt.Sprintf("at most %d bytes", MaxHistoryPath)},
		"history.keep":                     {durations(inDays(MinHistoryKeep), inDays(MaxHistoryKeep))},
		"control.view_group":               {fmt.Sprintf("At most %d bytes.", MaxGroupName)},
	}
	for key, doc := range readExample(t) {
		if len(bounds[key]) == 0 {
			t.Errorf("%s: no bound is tested", key)
		}
		for _, want := range bounds[key] {
			if !strings.Contains(doc.comment, want) {
				t.Errorf("%s: comment %q lacks %q", key, doc.comment, want)
			}
		}
	}
}

// The longest lease that defaults need must be allowed by the default lease, so that a policy
// that sets only the tick is always good.
func TestDefaultLeaseFitsEveryTick(t *testing.T) {
	if MinTicksPerLease*MaxTick > DefaultLease {
		t.Errorf("%d ticks of %v exceed the default lease %v", MinTicksPerLease, MaxTick, DefaultLease)
	}
}
