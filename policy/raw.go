package policy

import "reflect"

// The raw types mirror the policy file. They are the only list of accepted keys: decoding,
// suggestions and the test of the example file all read it by reflection. A nil pointer or slice
// means that the key is absent or was of a wrong type. The want tag completes "must be ...".

type rawPolicy struct {
	Mode    *string       `toml:"mode" want:"\"shadow\" or \"enforce\""`
	Exempt  rawExempt     `toml:"exempt"`
	Observe rawObserve    `toml:"observe"`
	Service []*rawService `toml:"service"`
	Control rawControl    `toml:"control"`
}

type rawExempt struct {
	Prefixes []*string `toml:"prefixes" want:"an address or a prefix in quotes, such as \"192.0.2.0/24\""`
}

type rawObserve struct {
	Tick       *string `toml:"tick" want:"a duration with its unit, in quotes, such as \"200ms\""`
	CPUBudget  *string `toml:"cpu_budget" want:"a percentage in quotes, such as \"5%\""`
	MaxSources *int64  `toml:"max_sources"`
	IPv6Source *int64  `toml:"ipv6_source"`
	Meters     *string `toml:"meters" want:"\"auto\" or \"always\""`
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
	Response    rawResponse    `toml:"response"`
}

type rawConnections struct {
	PerSource   *int64 `toml:"per_source"`
	CloseExcess *bool  `toml:"close_excess"`
}

type rawRate struct {
	SYNPerSource *string `toml:"syn_per_source" want:"a rate in quotes, such as \"200/s\""`
}

type rawResponse struct {
	RefuseWith *string `toml:"refuse_with" want:"\"reset\" or \"drop\""`
	Lease      *string `toml:"lease" want:"a duration with its unit, in quotes, such as \"30s\""`
	Quiet      *string `toml:"quiet" want:"a duration with its unit, in quotes, such as \"60s\""`
}

type rawControl struct {
	Socket    *string `toml:"socket"`
	ViewGroup *string `toml:"view_group"`
}

// rawKeys returns the full name of every accepted key below a raw type that is not itself a
// table, such as "service.connections.per_source", in the order of the declarations.
func rawKeys(t reflect.Type, prefix string) []string {
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		name := joinKey(prefix, f.Tag.Get("toml"))
		if table := rawTable(f.Type); table != nil {
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
	if table == "service" {
		return "[[service]]"
	}
	return "[" + table + "]"
}
