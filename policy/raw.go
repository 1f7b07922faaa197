package policy

import (
	"reflect"
	"strings"
)

// The raw types mirror the policy file. They are the only list of accepted keys: decoding,
// suggestions and the test of the example file all read it by reflection. A nil pointer or slice
// means that the key is absent or was of a wrong type. The want tag completes "must be ..."; on a
// table it says that the table is written in braces, as an element of an array, not under a header.

type rawPolicy struct {
	Mode    *string       `toml:"mode" want:"\"shadow\" or \"enforce\""`
	Exempt  rawExempt     `toml:"exempt"`
	Observe rawObserve    `toml:"observe"`
	Limits  rawLimits     `toml:"limits"`
	Service []*rawService `toml:"service"`
	Control rawControl    `toml:"control"`
	Metrics rawMetrics    `toml:"metrics"`
	History rawHistory    `toml:"history"`
}

type rawExempt struct {
	Prefixes  []*string `toml:"prefixes" want:"an address or a prefix in quotes, such as \"192.0.2.0/24\""`
	SSHGroups []*string `toml:"ssh_groups" want:"the name of a group in quotes, such as \"sudo\""`
}

type rawObserve struct {
	Tick       *string `toml:"tick" want:"a duration with its unit, in quotes, such as \"200ms\""`
	CPUBudget  *string `toml:"cpu_budget" want:"a percentage in quotes, such as \"5%\""`
	MaxSources *int64  `toml:"max_sources"`
	IPv6Source *int64  `toml:"ipv6_source"`
	Meters     *string `toml:"meters" want:"\"auto\" or \"always\""`

	SYNPressure *string `toml:"syn_pressure" want:"a rate in quotes, such as \"50000/s\""`
}

type rawLimits struct {
	MaxBlocks *int64  `toml:"max_blocks"`
	Conntrack *string `toml:"conntrack" want:"\"auto\" or \"never\""`
}

type rawService struct {
	Name        *string        `toml:"name"`
	Mode        *string        `toml:"mode" want:"\"shadow\" or \"enforce\""`
	Ports       []any          `toml:"ports"`
	Addresses   []*string      `toml:"addresses" want:"an address in quotes, such as \"192.0.2.1\""`
	Traffic     *string        `toml:"traffic" want:"\"local\", \"forwarded\" or \"both\""`
	Capacity    *int64         `toml:"capacity"`
	Connections rawConnections `toml:"connections"`
	Rate        rawRate        `toml:"rate"`
	Override    []*rawOverride `toml:"override"`
	Response    rawResponse    `toml:"response"`
}

type rawConnections struct {
	PerSource   *int64            `toml:"per_source"`
	PerPrefix   []*rawPrefixLimit `toml:"per_prefix" want:"a table in braces, such as { ipv4 = 24, limit = 800 }"`
	CloseExcess *bool             `toml:"close_excess"`
}

type rawPrefixLimit struct {
	IPv4  *int64 `toml:"ipv4"`
	IPv6  *int64 `toml:"ipv6"`
	Limit *int64 `toml:"limit"`
}

type rawRate struct {
	SYNPerSource *string `toml:"syn_per_source" want:"a rate in quotes, such as \"200/s\""`
	NewPerSource *string `toml:"new_per_source" want:"a rate in quotes, such as \"50/s\""`
}

type rawOverride struct {
	Prefixes     []*string `toml:"prefixes" want:"an address or a prefix in quotes, such as \"198.51.100.0/24\""`
	PerSource    *int64    `toml:"per_source"`
	NewPerSource *string   `toml:"new_per_source" want:"a rate in quotes, such as \"50/s\""`
}

type rawResponse struct {
	RefuseWith *string `toml:"refuse_with" want:"\"reset\" or \"drop\""`
	Lease      *string `toml:"lease" want:"a duration with its unit, in quotes, such as \"30s\""`
	Quiet      *string `toml:"quiet" want:"a duration with its unit, in quotes, such as \"60s\""`

	BlockAfter *string   `toml:"block_after" want:"a duration with its unit, in quotes, such as \"10s\""`
	BlockFor   []*string `toml:"block_for" want:"a duration with its unit, in quotes, such as \"10m\""`
}

type rawControl struct {
	Socket    *string `toml:"socket"`
	ViewGroup *string `toml:"view_group"`
}

type rawHistory struct {
	Path *string `toml:"path"`
	Keep *string `toml:"keep" want:"a duration in quotes, such as \"90d\""`
}

type rawMetrics struct {
	Listen *string `toml:"listen" want:"an address with its port in quotes, such as \"127.0.0.1:9815\""`
}

// rawKeys returns the full name of every accepted key below a raw type that is not itself a table
// under a header, such as "service.connections.per_source", in the order of the declarations.
func rawKeys(t reflect.Type, prefix string) []string {
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		name := joinKey(prefix, f.Tag.Get("toml"))
		if table := rawTable(f.Type); table != nil && f.Tag.Get("want") == "" {
			keys = append(keys, rawKeys(table, name)...)
		} else {
			keys = append(keys, name)
		}
	}
	return keys
}

// rawTable returns the raw type of the table or repeated table t, or nil if t is neither.
func rawTable(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct {
		return t
	}
	return nil
}

// rawHeader returns how a table is written in the file: "[[service]]" or "[service.response]".
func rawHeader(table string) string {
	t, repeated := reflect.TypeFor[rawPolicy](), false
	for name := range strings.SplitSeq(table, ".") {
		f := rawFields(t)[name].Type
		t, repeated = rawTable(f), f.Kind() == reflect.Slice
	}
	if repeated {
		return "[[" + table + "]]"
	}
	return "[" + table + "]"
}
