package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"ebbgate/internal/script"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ebbgate": main})
}

// TestScripts runs the command lines of testdata. None of them changes anything of this host; what
// needs a daemon or root is tested elsewhere.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Cmds:                script.Commands(),
	})
}
