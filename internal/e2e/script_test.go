package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"ebbgate/internal/lab"
	"ebbgate/internal/script"
)

// TestScripts has somebody use the commands while an attack goes on, one script after the other, as they act on
// the same daemon. "inside" runs a command in the attacked machine's network.
func TestScripts(t *testing.T) {
	s, _, _, d := attacked(t)
	s.clients(v4())
	bin := t.TempDir()
	if err := os.Symlink(program, filepath.Join(bin, "ebbgate")); err != nil {
		t.Fatal(err)
	}
	inside := fmt.Sprintf("#!/bin/sh\nexec nsenter --net=/proc/%d/ns/net \"$@\"\n", d.cmd.Process.Pid)
	if err := os.WriteFile(filepath.Join(bin, "inside"), []byte(inside), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range scripts(t) {
		t.Run("after "+filepath.Base(file), func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Files:               []string{file},
				RequireExplicitExec: true,
				Cmds:                script.Commands(),
				Setup: func(env *testscript.Env) error {
					env.Setenv("PATH", bin+":"+env.Getenv("PATH"))
					env.Setenv("SOCKET", s.socket())
					env.Setenv("POLICY", s.config())
					env.Setenv("ATTACKER", lab.AttackRange().IPv4(1)[0].String())
					env.Setenv("OTHER", lab.AttackRange().IPv4(2)[1].String())
					env.Setenv("CLIENT", lab.ClientRange().IPv4(1)[0].String())
					return nil
				},
			})
		})
	}
}

// TestEveryCommandIsInAScript looks for each command of the program in the scripts. The daemon itself, the
// laboratory and the live view have tests of their own on the real program.
func TestEveryCommandIsInAScript(t *testing.T) {
	var all strings.Builder
	for _, file := range scripts(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	help, err := command("--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(help), "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	elsewhere := []string{"demo", "help", "run", "top"}
	found := 0
	for line := range strings.Lines(list) {
		name := strings.Fields(line)[0]
		if slices.Contains(elsewhere, name) {
			continue
		}
		found++
		if !strings.Contains(all.String(), "ebbgate "+name+" ") && !strings.Contains(all.String(), "ebbgate "+name+"\n") {
			t.Errorf("no script uses ebbgate %s", name)
		}
	}
	if found < 15 {
		t.Errorf("%d commands in the help:\n%s", found, help)
	}
}

func scripts(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/script/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	return files
}
