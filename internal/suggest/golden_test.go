package suggest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"ebbgate/policy"
)

var update = flag.Bool("update", false, "write testdata/host.toml and host.json anew; read the difference before committing it")

// TestGolden is of a host with two services: what is printed, and the JSON others build on.
func TestGolden(t *testing.T) {
	p := mustParse(t, webPolicy+"[[service]]\nname = \"mail\"\nports = [25]\naddresses = [\"192.0.2.1\"]\n")
	c := New(Options{Policy: p})
	for i := range 31 {
		counts := with(crowd(310, 1+i%5), "198.51.100.7", 37, "203.0.113.20", 900)
		if i == 9 {
			counts["198.51.100.8"] = 44
		}
		obs := held(float64(2*i), counts)
		obs.Census.Services = append(obs.Census.Services, policy.ServiceCensus{Service: "mail", Held: 3,
			Sources: []policy.SourceCensus{{Source: prefix("198.51.100.7"), Held: 3}}})
		c.Add(&obs)
		obs = ended(float64(2*i)+1, with(crowd(310, 1), "198.51.100.7", 6, "203.0.113.20", 80))
		c.Add(&obs)
	}
	out := c.Propose(map[string][]Process{"web": {
		{PID: 800, Name: "nginx", Unit: "nginx.service", FileLimit: 65536, Files: 30},
		{PID: 801, Name: "nginx", Unit: "nginx.service", FileLimit: 65536, Files: 700},
		{PID: 802, Name: "nginx", Unit: "nginx.service", FileLimit: 65536, Files: 650},
	}, "mail": {{PID: 900, Name: "master", Unit: "postfix.service", FileLimit: 1024, Files: 90}}})
	out.Render(time.UTC, false)
	parses(t, out)
	asJSON, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/host.toml", []byte(out.TOML))
	golden(t, "testdata/host.json", append(asJSON, '\n'))
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got\n%s", file, got)
	}
}
