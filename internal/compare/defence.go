package compare

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"ebbgate/internal/demo"
	"ebbgate/internal/lab"
)

// Defence is what stands between attackers and server.
type Defence struct {
	Name    string
	About   string // in a few words, for lists
	rules   string // loaded by nft before anything else; empty: none
	ebbgate bool   // the daemon runs
	always  bool   // it is part of a run for which no defence was chosen
}

// Defences returns all defences. Those a run has unless asked for others come first.
func Defences() []Defence {
	const port = demo.ServicePort
	return []Defence{
		{Name: "none", About: "the kernel alone, with its SYN cookies", always: true},
		{Name: "static", About: "a good static nftables ruleset", rules: staticRules(port), always: true},
		{Name: "ebbgate", About: "ebbgate in enforce mode", ebbgate: true, always: true},
		{Name: "firewall", About: "a stateful firewall that limits nobody", rules: firewallRules(port)},
		{Name: "firewall+ebbgate", About: "ebbgate beside that firewall", rules: firewallRules(port), ebbgate: true},
	}
}

// chooseDefences returns those of that name, or for the empty name those a run has by default.
func chooseDefences(name string) ([]Defence, error) {
	var chosen []Defence
	var names []string
	for _, d := range Defences() {
		names = append(names, d.Name)
		if d.Name == name || name == "" && d.always {
			chosen = append(chosen, d)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no defence is called %q, must be one of %s", name, strings.Join(names, ", "))
	}
	return chosen, nil
}

// chooseScenes returns the kinds of attack of that name, or for the empty name all.
func chooseScenes(name string, synRate int) ([]demo.Scene, error) {
	all := demo.Scenes(synRate)
	if name == "" {
		return all, nil
	}
	i := slices.IndexFunc(all, func(s demo.Scene) bool { return s.Name() == name })
	if i < 0 {
		return nil, fmt.Errorf("no attack is called %q, must be one of %s", name, strings.Join(demo.Kinds(), ", "))
	}
	return all[i : i+1], nil
}

// load loads the defence's rules into the namespace.
func (d Defence) load(ctx context.Context, victim *lab.Namespace) error {
	if d.rules == "" {
		return nil
	}
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(d.rules)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	err := victim.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("load the rules of %q by nft: %w\n%s", d.Name, err, out.String())
	}
	return nil
}
