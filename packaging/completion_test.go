package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// completeBash loads the completion as bash does and completes a command line. The function defined first
// is the part of Debian's bash-completion that it uses, for words that blanks part.
const completeBash = `
_get_comp_words_by_ref() {
	cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
}
compopt() { :; }
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMP_TYPE=9
handler=$(complete -p ebbgate | sed 's/.* -F \([^ ]*\) .*/\1/')
"$handler" ebbgate
printf '%s\n' "${COMPREPLY[@]}"
`

func checkCompletions(t *testing.T, program, tree string) {
	bash := filepath.Join(tree, "usr/share/bash-completion/completions/ebbgate")
	output(t, "bash", "-n", bash)
	for _, tt := range []struct {
		line string
		want []string // at the beginning of a line
	}{
		{"ebbgate st", []string{"status"}},
		{"ebbgate ", []string{"run", "check", "census", "reload"}},
		{"ebbgate census --que", []string{"--queues"}},
		{"ebbgate import cs", []string{"csf"}},
		{"ebbgate import csf --fo", []string{"--force"}},
		{"ebbgate demo --attack sp", []string{"spoofed-syn-flood"}},
	} {
		cmd := exec.Command("bash", append([]string{"-c", completeBash, "bash", bash}, strings.Split(tt.line, " ")...)...)
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		for _, want := range tt.want {
			if err != nil || !strings.Contains("\n"+string(out), "\n"+want) {
				t.Errorf("%q is completed to %q, %v; want %q", tt.line, out, err, want)
			}
		}
	}
	for shell, path := range map[string]string{"zsh": "usr/share/zsh/vendor-completions/_ebbgate", "fish": "usr/share/fish/vendor_completions.d/ebbgate.fish"} {
		b, err := os.ReadFile(filepath.Join(tree, path))
		if err != nil {
			t.Fatal(err)
		}
		first := map[string]string{"zsh": "#compdef ebbgate\n", "fish": "# fish completion for ebbgate"}[shell]
		if !strings.HasPrefix(string(b), first) || !strings.Contains(string(b), "__complete") {
			t.Errorf("%s: not a completion that asks the program: %.80q", shell, b)
		}
		if _, err := exec.LookPath(shell); err == nil {
			output(t, shell, "-n", filepath.Join(tree, path))
		}
	}
}
