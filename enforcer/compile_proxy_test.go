package enforcer

import (
	"testing"

	"ebbgate/policy"
)

// proxying is a decision that has the service web proxied until then, or, at 0, its handshakes completed
// that were begun before.
func proxying(until policy.Instant) *policy.Decision {
	p := policy.Proxy{Service: "web", Mode: policy.Enforce, MSS4: 1460, MSS6: 1440, Until: until, Drain: until + 10*second}
	if until != 0 {
		p.Since = second
	}
	return &policy.Decision{Proxies: []policy.Proxy{p}}
}

func TestProxyIsCompiledOnlyWhereItMayBe(t *testing.T) {
	shadow, onward := web(), web()
	shadow.Mode, onward.Traffic = policy.Shadow, policy.Forwarded
	lacking := &policy.Decision{Proxies: []policy.Proxy{{Service: "web", Mode: policy.Enforce, Lacks: "something"}}}
	tests := []struct {
		name string
		svc  policy.Service
		d    *policy.Decision
		env  Environment
		want bool // any rule
	}{
		{"others track", web(), proxying(30 * second), Environment{OthersTrack: true}, true},
		{"nobody tracks", web(), proxying(30 * second), Environment{}, false},
		{"nobody tracks, draining", web(), proxying(0), Environment{}, false},
		{"forwarded", onward, proxying(30 * second), Environment{OthersTrack: true}, false},
		{"a prerequisite is missing", web(), lacking, Environment{OthersTrack: true}, false},
		{"shadow", shadow, proxying(30 * second), Environment{OthersTrack: true}, true},
		{"shadow has nothing to complete", shadow, proxying(0), Environment{OthersTrack: true}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Compile(onePolicy(tt.svc), tt.d, tt.env)
			if r.Empty() == tt.want {
				t.Errorf("the ruleset is\n%s", r.Format(0))
			}
		})
	}
}

func TestSegmentIsNeverBelowTheLeast(t *testing.T) {
	pt := part{proxy: &policy.Proxy{MSS4: 100, MSS6: 100}}
	if got4, got6 := pt.segment(families[0]), pt.segment(families[1]); got4 != policy.LeastMSS4 || got6 != policy.LeastMSS6 {
		t.Errorf("segments %d and %d, want %d and %d", got4, got6, policy.LeastMSS4, policy.LeastMSS6)
	}
}
