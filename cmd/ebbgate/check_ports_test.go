package main

import (
	"slices"
	"strings"
	"testing"

	"ebbgate/policy"
)

func TestPortWarnings(t *testing.T) {
	local := policy.PortRange{First: 32768, Last: 60999}
	p := &policy.Policy{Services: []policy.Service{
		{Name: "web", Ports: []policy.PortRange{{First: 80, Last: 80}}},
		{Name: "game", Ports: []policy.PortRange{{First: 443, Last: 443}, {First: 32000, Last: 32769}, {First: 40000, Last: 40000}}},
		{Name: "high", Ports: []policy.PortRange{{First: 60999, Last: 65535}}},
	}}
	tests := []struct {
		name     string
		local    policy.PortRange
		reserved string
		want     []string // services and ports
	}{
		{"none reserved", local, "", []string{`"game": ports 32000-32769 `, `"high": ports 60999-65535 `}},
		{"some reserved", local, "8080,32768\n", []string{`"game": ports 32000-32769 `, `"high": ports 60999-65535 `}},
		{"the first range reserved", local, "32000-32769", []string{`"game": ports 40000 `, `"high": ports 60999-65535 `}},
		{"all reserved, in parts", local, "32768,32769-39999,40000,60999-60999", nil},
		{"range not known", policy.PortRange{}, "", nil},
		{"all ports", policy.PortRange{First: 1, Last: 65535}, "80,1-443", []string{`"game": ports 32000-32769 `, `"high": ports 60999-65535 `}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := portWarnings(p, tt.local, parseReserved(tt.reserved))
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(got[i], "service "+want) || !strings.Contains(got[i], "ip_local_reserved_ports") {
					t.Errorf("got %q, want %q", got[i], want)
				}
			}
		})
	}
}

func TestParseReserved(t *testing.T) {
	for text, want := range map[string][]policy.PortRange{
		"": nil, "\n": nil, "x,70000,9-8,-1": nil,
		"8080,9000-9010\n": {{First: 8080, Last: 8080}, {First: 9000, Last: 9010}},
	} {
		if got := parseReserved(text); !slices.Equal(got, want) {
			t.Errorf("parseReserved(%q) = %v, want %v", text, got, want)
		}
	}
}
