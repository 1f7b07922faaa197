package survey

import (
	"slices"
	"testing"

	"ebbgate/internal/inetdiag"
	"ebbgate/policy"
)

func TestEveryPortIsAService(t *testing.T) {
	got := everyPort([]inetdiag.Socket{{LocalPort: 443}, {LocalPort: 22}, {LocalPort: 443}})
	var names []string
	for _, s := range got {
		names = append(names, s.Name)
		if len(s.Ports) != 1 || s.Ports[0].First != s.Ports[0].Last {
			t.Errorf("%s has ports %v", s.Name, s.Ports)
		}
	}
	if want := []string{"port 22", "port 443"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
}

func TestSelectedServices(t *testing.T) {
	ports := func(first, last uint16) []policy.PortRange { return []policy.PortRange{{First: first, Last: last}} }
	services := []policy.Service{
		{Name: "web", Ports: append(ports(80, 80), ports(8000, 8010)...)}, {Name: "ssh", Ports: ports(22, 22)},
		{Name: "passed on", Ports: ports(80, 80), Traffic: policy.Forwarded}, {Name: "both", Ports: ports(80, 80), Traffic: policy.Both},
	}
	tests := []struct {
		ports []policy.PortRange
		want  []string
	}{
		{nil, []string{"web", "ssh", "both"}}, {ports(80, 80), []string{"web", "both"}}, {ports(8005, 9000), []string{"web"}},
		{ports(1, 65535), []string{"web", "ssh", "both"}}, {ports(443, 443), nil},
	}
	for _, tt := range tests {
		s := Survey{sel: Selection{Ports: tt.ports}}
		var got []string
		for _, svc := range s.selected(services) {
			got = append(got, svc.Name)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%v: got %v, want %v", tt.ports, got, tt.want)
		}
	}
}
