package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"ebbgate/control"
)

const sourcesLong = `List who holds how many connections of which service, how fast he opens them, and what holds
for him: the address, or the IPv6 prefix that counts as one. HELD/MAX is what he holds and may
hold, with ? where no census tells and - where there is no limit; NEW/S the connections he
opened a second, - where that is not counted now. Who is refused or limited, or blocked, is
listed with the time left and the reason, measured/allowed, also while he holds nothing; so are
prefixes. What strangers can send in his name, half-open connections and SYNs, is named as such.

States, the strongest first: exempt; blocked; refused, at a limit, so that new connections are
turned away; limited, below one that lasts; watched, near one; free. In shadow mode they say
what would be. Who is blocked, refused or limited comes first, and then who holds most; --sort
has others first. Exits 1 if there is no such service, 3 if no daemon answers.`

const sourcesExample = `  ebbgate sources                                     20: who is held back, then who holds most
  ebbgate sources --service web --sort new -n 50      who opens connections fastest at one service
  ebbgate sources --state blocked --all               everybody who is blocked, and for how long
  ebbgate sources --within 203.0.113.0/24             one network, and what is in force around it
  ebbgate sources --sort half_open --watch            again every two seconds, until Ctrl-C
  ebbgate sources --json | jq -r '.sources[] | select(.state == "refused") | .source'`

// sourcesOptions are the flags of sources.
type sourcesOptions struct {
	answerOptions
	service, state, within, sort string
	n                            int
	all                          bool
	watch                        time.Duration
}

// defaultRows is how many sources are shown to people who do not say.
const defaultRows = 20

func sourcesCommand() *cobra.Command {
	var o sourcesOptions
	c := &cobra.Command{
		Use:     "sources",
		Short:   "List who holds connections, at what rate, under which limit",
		Long:    sourcesLong,
		Example: sourcesExample,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			request, err := o.request(c)
			if err != nil {
				return exitWith(exitUsage, err)
			}
			look := func(ctx context.Context) (*control.Sources, error) {
				return ask(ctx, o.socket, func(client *control.Client, ctx context.Context) (*control.Sources, error) {
					return client.Sources(ctx, request)
				})
			}
			if o.watch > 0 {
				return watchAnswers(c, &o.answerOptions, o.watch, look, control.WriteSources)
			}
			s, err := look(c.Context())
			if err != nil {
				return err
			}
			return show(c, &o.answerOptions, s, control.WriteSources)
		},
	}
	o.add(c)
	return c
}

func (o *sourcesOptions) add(c *cobra.Command) {
	o.answerOptions.add(c)
	f := c.Flags()
	f.StringVar(&o.service, "service", "", "only at this `SERVICE` of the policy")
	f.StringVar(&o.state, "state", "", "only in this `STATE`: exempt, blocked, refused, limited, watched or free")
	f.StringVar(&o.within, "within", "", "only in this `PREFIX`, like 203.0.113.0/24, and what holds around it")
	f.StringVar(&o.sort, "sort", string(control.ByState), "sort by `BY` state, held, new, half_open or syns")
	limitFlag(c, &o.n, defaultRows, "show at most `N` sources")
	f.BoolVar(&o.all, "all", false, fmt.Sprintf("show as many as the daemon tells at once: %d", control.MaxSources))
	lengthVar(f, &o.watch, "watch", 0, "again and again, once in this `DURATION`, like 1s")
	f.Lookup("watch").NoOptDefVal = "2s"
}

// request turns the flags into a question, and names every one that makes no sense.
func (o *sourcesOptions) request(c *cobra.Command) (control.SourcesRequest, error) {
	r := control.SourcesRequest{Service: o.service, State: control.SourceState(o.state), Sort: control.SourceOrder(o.sort), Limit: o.n}
	if o.all {
		r.Limit = control.MaxSources
	}
	errs := []error{refuseEmpty(c.Flags()), checkLimit(c, o.n, 1, control.MaxSources)}
	bad := func(flag string, err error) {
		if err != nil && c.Flags().Changed(flag) && c.Flags().Lookup(flag).Value.String() != "" {
			errs = append(errs, fmt.Errorf("--%s: %w", flag, err))
		}
	}
	bad("state", control.CheckState(r.State))
	bad("sort", control.CheckOrder(r.Sort))
	if c.Flags().Changed("within") {
		var err error
		r.Within, err = control.ParsePrefix(o.within)
		bad("within", err)
	}
	if o.all && c.Flags().Changed("limit") {
		errs = append(errs, errors.New("--all and --limit contradict each other: give one of them"))
	}
	if c.Flags().Changed("watch") && o.watch < shortestWatch {
		bad("watch", fmt.Errorf("%s is too short; it must be %s or more", o.watch, shortestWatch))
	}
	return r, errors.Join(errs...)
}
