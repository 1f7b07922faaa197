package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
	"ebbgate/daemon"
	"ebbgate/policy"
)

const (
	// completeTimeout bounds how long a shell waits for its words: a daemon that does not answer by then has
	// nothing to offer.
	completeTimeout = 300 * time.Millisecond
	// mostWords bounds the addresses a shell is offered.
	mostWords = 50
)

// words are what a shell is offered: each may have a description behind a tab.
type words func(c *cobra.Command, d *asked) []cobra.Completion

// asked is the daemon that the flags of a command name, during one completion: all its questions together
// have the time of one.
type asked struct {
	ctx    context.Context
	client *control.Client
}

// completing gives every command below root what its operand and flags are completed to. Commands are
// known by their names, and flags by theirs.
func completing(root *cobra.Command) {
	for _, c := range root.Commands() {
		completing(c)
		if offer, ok := operandWords()[c.Name()]; ok {
			c.ValidArgsFunction = oneWord(offer)
		}
		if c.Name() == "check" {
			c.ValidArgsFunction = policyFile
		}
		for name, offer := range flagWords(c) {
			if c.Flags().Lookup(name) != nil {
				_ = c.RegisterFlagCompletionFunc(name, anyWord(offer))
			}
		}
		if f := c.Flags().Lookup("config"); f != nil {
			_ = c.RegisterFlagCompletionFunc("config", policyFile)
		}
	}
}

// operandWords is what the operand of a command is completed to.
func operandWords() map[string]words {
	blocked, refused, limited := control.SourcesRequest{State: control.SourceBlocked}, control.SourcesRequest{State: control.SourceRefused},
		control.SourcesRequest{State: control.SourceLimited}
	heaviest := control.SourcesRequest{}
	return map[string]words{
		"explain":  sourceWords(blocked, refused, limited),
		"unblock":  sourceWords(blocked, refused, limited),
		"block":    sourceWords(heaviest),
		"exempt":   sourceWords(blocked, refused, heaviest),
		"unexempt": exemptWords,
		"attacks":  attackWords,
	}
}

// flagWords is what the value of a flag is completed to.
func flagWords(c *cobra.Command) map[string]words {
	list := map[string]words{"service": serviceWords, "kind": constantWords(policy.Kinds())}
	if c.Name() == "sources" {
		list["state"], list["sort"] = constantWords(control.SourceStates()), constantWords(control.SourceOrders())
	}
	return list
}

// policyFile completes to files a policy may be in.
func policyFile(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []cobra.Completion{"toml"}, cobra.ShellCompDirectiveFilterFileExt
}

// oneWord completes a single operand.
func oneWord(offer words) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return anyWord(offer)(c, args, begun)
	}
}

// anyWord completes the value of a flag, in the order in which words are offered.
func anyWord(offer words) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(context.Background(), completeTimeout)
		defer cancel()
		client := control.Dial(socketOf(c))
		defer client.Close()
		list := slices.DeleteFunc(offer(c, &asked{ctx, client}), func(w cobra.Completion) bool { return !strings.HasPrefix(w, begun) })
		return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// constantWords offers words that need no daemon.
func constantWords[T ~string](list []T) words {
	return func(*cobra.Command, *asked) []cobra.Completion {
		out := make([]cobra.Completion, len(list))
		for i, w := range list {
			out[i] = string(w)
		}
		return out
	}
}

// socketOf is where the daemon is that the flags of a command name.
func socketOf(c *cobra.Command) string {
	if f := c.Flags().Lookup("socket"); f != nil {
		return f.Value.String()
	}
	return policy.DefaultSocket
}

// asking asks a question. Whatever goes wrong, there is nothing to say to who is typing.
func asking[T any](d *asked, question func(*control.Client, context.Context) (*T, error)) *T {
	answer, err := question(d.client, d.ctx)
	if err != nil {
		return nil
	}
	return answer
}

// serviceWords offers the services: of the policy file that the flags name, or of the daemon.
func serviceWords(c *cobra.Command, d *asked) []cobra.Completion {
	var out []cobra.Completion
	if f := c.Flags().Lookup("config"); f != nil {
		p, _, err := daemon.ReadPolicy(f.Value.String())
		if err != nil {
			return nil
		}
		for i := range p.Services {
			out = append(out, p.Services[i].Name)
		}
		return out
	}
	if s := asking(d, (*control.Client).Status); s != nil {
		for i := range s.Services {
			sv := &s.Services[i]
			out = append(out, word(sv.Name, "%s, ports %s, %d held", sv.Mode, sv.Ports, sv.Held))
		}
	}
	return out
}

// sourceWords offers sources, those of the first request first, and each once.
func sourceWords(requests ...control.SourcesRequest) words {
	return func(c *cobra.Command, d *asked) []cobra.Completion {
		var out []cobra.Completion
		seen := map[string]bool{}
		for _, r := range requests {
			if f := c.Flags().Lookup("service"); f != nil {
				r.Service = f.Value.String()
			}
			r.Limit = mostWords
			s := asking(d, func(client *control.Client, ctx context.Context) (*control.Sources, error) {
				return client.Sources(ctx, r)
			})
			if s == nil {
				return out
			}
			for i := range s.Sources {
				x := &s.Sources[i]
				text := sourceText(x.Source)
				if c.Name() == "explain" {
					text = x.Source.Addr().String() // it takes no prefix
				}
				if !seen[text] {
					seen[text] = true
					out = append(out, word(text, "%s at %s, %d held", x.State, x.Service, x.Held))
				}
			}
		}
		return out
	}
}

// exemptWords offers the exemptions that were given by hand.
func exemptWords(_ *cobra.Command, d *asked) []cobra.Completion {
	var out []cobra.Completion
	if s := asking(d, (*control.Client).Status); s != nil {
		for i := range s.Exempt {
			x := &s.Exempt[i]
			out = append(out, word(sourceText(x.Prefix), "%s %s", cmp.Or(x.Service, "every service"), x.Reason))
		}
	}
	return out
}

// attackWords offers the attacks' numbers, the newest first.
func attackWords(_ *cobra.Command, d *asked) []cobra.Completion {
	var out []cobra.Completion
	if all := asking(d, (*control.Client).Attacks); all != nil {
		for i := range all.Attacks {
			a := &all.Attacks[i]
			state := "ended"
			if a.Ended.IsZero() {
				state = "open"
			}
			out = append(out, word(a.ID, "%s on %s, %s since %s", a.Kind, a.Service, state, a.Since.Format("2006-01-02 15:04")))
		}
	}
	return out
}

// word is one completion with its description, safe on a terminal.
func word(text, form string, args ...any) cobra.Completion {
	return cobra.CompletionWithDesc(control.Escape(text), strings.TrimSpace(control.Escape(fmt.Sprintf(form, args...))))
}
