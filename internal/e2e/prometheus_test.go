package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"ebbgate/internal/nstest"
)

// prometheus is a real Prometheus in the victim that scrapes the daemon each second.
type prometheus struct {
	s    *stage
	http *http.Client
}

// Where the daemon serves metrics, and where Prometheus answers, both inside the victim.
const (
	metricsAt    = "127.0.0.1:9815"
	prometheusAt = "127.0.0.1:9816"
)

// dialVictim connects inside the victim, whatever the address it is given says.
func (s *stage) dialVictim(ctx context.Context, _, to string) (c net.Conn, err error) {
	at, err := netip.ParseAddrPort(to)
	if err != nil {
		return nil, err
	}
	err = s.Victim.Do(func() error {
		// The net package connects on another thread than this one only for names.
		c, err = net.DialTCP("tcp4", nil, net.TCPAddrFromAddrPort(at))
		return err
	})
	return c, err
}

// prometheus starts one that evaluates the alerts of contrib, too, and stops it at the end of the test.
func (s *stage) prometheus() *prometheus {
	s.t.Helper()
	rules, err := filepath.Abs("../../contrib/prometheus/ebbgate.rules.yml")
	if err != nil {
		s.t.Fatal(err)
	}
	config := filepath.Join(s.dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\n"+
		"scrape_configs: [{job_name: ebbgate, static_configs: [{targets: [%q]}]}]\n", rules, metricsAt)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(nstest.Prometheus(s.t, "prometheus"), "--config.file="+config, "--web.listen-address="+prometheusAt,
		"--storage.tsdb.path="+filepath.Join(s.dir, "tsdb"), "--log.level=warn")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := s.Victim.Start(cmd); err != nil {
		s.t.Fatal(err)
	}
	p := &prometheus{s: s, http: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: s.dialVictim}}}
	s.t.Cleanup(func() {
		p.http.CloseIdleConnections()
		_ = cmd.Process.Kill() // its data is the test's, and goes with it
		_ = cmd.Wait()
		if s.t.Failed() {
			s.t.Logf("Prometheus says:\n%s", log.String())
		}
	})
	return p
}

// get asks its HTTP API, and decodes the data of the answer.
func (p *prometheus) get(path string, query url.Values, data any) error {
	r, err := p.http.Get("http://" + prometheusAt + path + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer r.Body.Close()
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		return fmt.Errorf("decode the answer (HTTP status %d): %w", r.StatusCode, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("status %q: %s", answer.Status, answer.Error)
	}
	return json.Unmarshal(answer.Data, data)
}

// sample is one series of an answer, with its value.
type sample struct {
	Metric map[string]string
	Value  [2]any
}

func (s sample) float() float64 {
	text, _ := s.Value[1].(string)
	v, _ := strconv.ParseFloat(text, 64)
	return v
}

// query evaluates an expression now.
func (p *prometheus) query(expr string) ([]sample, error) {
	var data struct {
		ResultType string
		Result     []sample
	}
	if err := p.get("/api/v1/query", url.Values{"query": {expr}}, &data); err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	if data.ResultType != "vector" {
		return nil, fmt.Errorf("%s: gives a %s", expr, data.ResultType)
	}
	return data.Result, nil
}

// awaitValue waits until an expression has one value, of which ok is true.
func (p *prometheus) awaitValue(expr string, ok func(float64) bool) {
	p.s.t.Helper()
	await(p.s.t, 30*time.Second, expr, func() error {
		got, err := p.query(expr)
		if err != nil {
			return err
		}
		if len(got) != 1 || !ok(got[0].float()) {
			return fmt.Errorf("it gives %v", got)
		}
		return nil
	})
}

// firing returns the names of the alerts that are.
func (p *prometheus) firing() (map[string]bool, error) {
	var data struct {
		Alerts []struct {
			State  string
			Labels map[string]string
		}
	}
	if err := p.get("/api/v1/alerts", nil, &data); err != nil {
		return nil, err
	}
	names := make(map[string]bool)
	for _, a := range data.Alerts {
		names[a.Labels["alertname"]] = names[a.Labels["alertname"]] || a.State == "firing"
	}
	return names, nil
}
