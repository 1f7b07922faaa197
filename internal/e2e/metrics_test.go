package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// metered is the policy of these tests, with metrics at an address.
func metered(s *stage, listen string) string {
	return strings.Replace(policyFile{}.text(s.socket()), "[[service]]\n", "[metrics]\nlisten = \""+listen+"\"\n\n[[service]]\ncapacity = 2000\n", 1)
}

// TestPrometheus has a real one scrape the daemon under a flood, with the alerts and the dashboard of contrib.
func TestPrometheus(t *testing.T) {
	s := newStage(t)
	s.server(everywhere(), capacity)
	s.write(metered(s, metricsAt))
	d := s.start(command("run", "--config", s.config()))
	p := s.prometheus()
	is := func(want float64) func(float64) bool { return func(v float64) bool { return v == want } }
	p.awaitValue(`up{job="ebbgate"}`, is(1))
	p.awaitValue(`ebbgate_state{state="peace"}`, is(1))
	s.flood(v4(), lab.AttackRange().IPv4(8), 3000)
	d.awaitStatus("all sources are limited", limiting(8))
	p.awaitValue(`ebbgate_attack_open{service="shop",kind="connection-flood"}`, is(1))
	p.awaitValue(`ebbgate_attacks_total{service="shop",kind="connection-flood"}`, is(1))
	p.awaitValue(`ebbgate_service_limited_sources{service="shop"}`, is(8))
	p.awaitValue(`ebbgate_service_connections{service="shop"}`, is(8*perSource))
	p.awaitValue(`rate(ebbgate_service_refused_packets_total{service="shop"}[10s])`, func(v float64) bool { return v > 0 })
	p.awaitValue(`ebbgate_service_closed_connections_total`, func(v float64) bool { return v > 0 })
	p.awaitValue(`ebbgate_service_capacity_connections`, is(2000))
	p.awaitValue(`ebbgate_table_present`, is(1))
	p.awaitValue(`sum(ebbgate_fault)`, is(0))
	p.awaitValue(`rate(ebbgate_turn_duration_seconds_count[5s])`, func(v float64) bool { return v > 1 })
	p.awaitValue(`time() - ebbgate_census_timestamp_seconds`, func(v float64) bool { return v > -1 && v < 10 })
	p.awaitValue(`process_open_fds{job="ebbgate"}`, func(v float64) bool { return v > 5 })
	await(t, 30*time.Second, "the alert of an attack fires", func() error {
		names, err := p.firing()
		if err == nil && !names["EbbgateAttackOpen"] {
			err = fmt.Errorf("alerts %v", names)
		}
		return err
	})
	checkDashboard(t, p)
}

// checkDashboard evaluates every query of the dashboard; those of what there is none of give nothing.
func checkDashboard(t *testing.T, p *prometheus) {
	t.Helper()
	text, err := os.ReadFile("../../contrib/grafana/ebbgate.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels      []struct{ Targets []struct{ Expr string } }
		Annotations struct{ List []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	var exprs []string
	for _, a := range d.Annotations.List {
		exprs = append(exprs, a.Expr)
	}
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			exprs = append(exprs, target.Expr)
		}
	}
	if len(exprs) < 40 {
		t.Errorf("the dashboard has %d queries", len(exprs))
	}
	filled := strings.NewReplacer("$__rate_interval", "5s", "$__range", "1h", "$instance", ".*", "$service", "shop")
	for _, expr := range exprs {
		got, err := p.query(filled.Replace(expr))
		// There is no fault, and a kernel need not have conntrack.
		none := strings.HasPrefix(expr, "ebbgate_fault{") || strings.HasPrefix(expr, "ebbgate_kernel_conntrack_")
		if err != nil || len(got) == 0 && !none {
			t.Errorf("%s gives %v, %v", expr, got, err)
		}
	}
}

// scrape asks the daemon at an address in the victim.
func scrape(s *stage, at string) (string, error) {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DialContext: s.dialVictim, DisableKeepAlives: true}}
	r, err := client.Get("http://" + at + "/metrics")
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return string(body), err
}

// TestMetricsListener takes a port that is not free, a reload to one that is, and one to nowhere.
func TestMetricsListener(t *testing.T) {
	s := newStage(t)
	if _, err := lab.StartServer(t.Context(), s.Victim, lab.ServerConfig{Listen: []netip.AddrPort{netip.MustParseAddrPort(metricsAt)}, Capacity: 10}); err != nil {
		t.Fatal(err)
	}
	s.write(metered(s, metricsAt))
	d := s.start(command("run", "--config", s.config()))
	d.awaitStatus("the port is a fault", func(st *control.Status) error {
		if len(st.Faults) != 1 || st.Faults[0].Part != "metrics" || !strings.Contains(st.Faults[0].Text, "address already in use") {
			return fmt.Errorf("faults %+v", st.Faults)
		}
		return nil
	})
	reload := func(listen string) outcome {
		s.write(metered(s, listen))
		return s.run(s.Victim, command("reload", "--socket", s.socket()))
	}
	if o := reload("127.0.0.1:9817"); o.status != 0 {
		t.Fatalf("reload: %+v", o)
	}
	d.awaitStatus("the fault is over", healthy)
	if text, err := scrape(s, "127.0.0.1:9817"); err != nil || !strings.Contains(text, "ebbgate_service_connections{service=\"shop\"} 0\n") {
		t.Errorf("at the new address: %v\n%.500s", err, text)
	}
	if o := reload("0.0.0.0:9818"); o.status != 0 || !strings.Contains(o.stdout+o.stderr, "is not a loopback address") {
		t.Errorf("reload to every address: %+v", o)
	}
	if _, err := scrape(s, "127.0.0.1:9817"); err == nil {
		t.Error("the old address answers")
	}
	if text, err := scrape(s, "127.0.0.1:9818"); err != nil || !slices.Contains(strings.Split(text, "\n"), `ebbgate_state{state="peace"} 1`) {
		t.Errorf("at every address: %v\n%.500s", err, text)
	}
	if o := reload(""); o.status != 0 {
		t.Fatalf("reload: %+v", o)
	}
	if _, err := scrape(s, "127.0.0.1:9818"); err == nil {
		t.Error("it answers while the policy names no address")
	}
}
