package demo

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"ebbgate/policy"
)

func TestStagesHoldGoodPolicies(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) { checkPolicy(t, k) })
	}
}

func checkPolicy(t *testing.T, k kind) {
	t.Setenv("TMPDIR", t.TempDir())
	s, err := newStage(k.policy)
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(s.policy())
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(s.policy(), src)
	if err != nil {
		t.Fatal(err)
	}
	if p.Control.Socket != s.socket() || p.Control.ViewGroup != "" {
		t.Errorf("control %+v, want the stage's own socket, for root only", p.Control)
	}
	if len(p.Services) != 1 {
		t.Fatalf("%d services", len(p.Services))
	}
	svc := p.Services[0]
	if svc.Mode != policy.Enforce || svc.Ports[0] != (policy.PortRange{First: servicePort, Last: servicePort}) ||
		svc.Connections.PerSource != perSource || !svc.Connections.CloseExcess {
		t.Errorf("service %+v", svc)
	}
	if said := fmt.Sprintf("(quiet time %d s)", svc.Response.Quiet/time.Second); !strings.Contains(printed(t), said) {
		t.Errorf("the summary does not say %s, as the policy has it", said)
	}
	if svc.Response.Quiet+svc.Response.Lease > cleanTime {
		t.Errorf("quiet time %v and lease %v end after the play has waited %v", svc.Response.Quiet, svc.Response.Lease, cleanTime)
	}
	if k.policy.capacity != (svc.Capacity == capacity) || svc.Rate.NewPerSource != k.policy.newPerSource || svc.Rate.SYNPerSource != k.policy.synPerSource ||
		k.policy.synPressure > 0 && p.Observe.SYNPressure != k.policy.synPressure {
		t.Errorf("policy %+v, want what the kind says: %+v", p, k.policy)
	}
	if blocks := svc.Response.BlockAfter > 0; blocks != (k.policy.blockAfter != "") {
		t.Errorf("blocks after %v", svc.Response.BlockAfter)
	} else if blocks && (svc.Response.BlockAfter > floodTime/2 || len(svc.Response.BlockFor) != 1 || svc.Response.BlockFor[0]+svc.Response.Lease > cleanTime) {
		t.Errorf("blocks after %v for %v: they do not begin and end within the play", svc.Response.BlockAfter, svc.Response.BlockFor)
	}
	if len(p.Warnings()) != 0 {
		t.Errorf("warnings %q", p.Warnings())
	}
}

func TestStageIsPrivateAndGoesWhole(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s, err := newStage(policyText{})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{s.dir: os.ModeDir | 0o700, s.policy(): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
	}
	if err := os.WriteFile(s.socket(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.remove(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestStageThatCannotBeMadeIsAnError(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/missing")
	if _, err := newStage(policyText{}); err == nil || !strings.HasPrefix(err.Error(), "make directory for the daemon's policy: ") {
		t.Errorf("error %v", err)
	}
}

// printed is a summary.
func printed(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	r := stopped()
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
