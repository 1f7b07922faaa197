package e2e

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"ebbgate/control"
	"ebbgate/internal/lab"
)

// TestSourcesDuringAttack asks who holds connections while attackers are held to their limit and clients are
// served, by the command and by the API.
func TestSourcesDuringAttack(t *testing.T) {
	s, _, _, _ := attacked(t)
	friend := lab.ClientRange().IPv4(1)[0]
	s.hoard(s.Clients, lab.HoardConfig{Target: v4(), Sources: []netip.Addr{friend}, PerSource: 2, Payload: lab.PartialRequest()})
	client := control.Dial(s.socket())
	defer client.Close()
	var all *control.Sources
	await(t, soon, "attackers are refused and the client is free", func() (err error) {
		if all, err = client.Sources(t.Context(), control.SourcesRequest{}); err != nil {
			return err
		}
		turned, free := 0, false
		for _, x := range all.Sources {
			switch {
			case attacking(x.Source) && (x.State == control.SourceRefused || x.State == control.SourceBlocked):
				turned++
			case x.Source.Addr() == friend:
				free = x.State == control.SourceFree && x.Held == 2
			}
		}
		if turned != 8 || !free {
			return fmt.Errorf("%d of 8 attackers are refused, the client is free: %t: %+v", turned, free, all)
		}
		return nil
	})
	o := s.run(s.Victim, command("sources", "--socket", s.socket(), "--within", lab.AttackRange().V4.String()))
	if o.status != 0 || o.stderr != "" || strings.Count(o.stdout, "shop") != 8 || !strings.Contains(o.stdout, "per_source") || strings.Contains(o.stdout, friend.String()) {
		t.Errorf("sources: %+v", o)
	}
	o = s.run(s.Victim, command("sources", "--json", "--socket", s.socket(), "--within", friend.String()))
	var told control.Sources
	if err := json.Unmarshal([]byte(o.stdout), &told); err != nil || len(told.Sources) != 1 || told.Sources[0].Held != 2 || told.Sources[0].State != control.SourceFree {
		t.Errorf("the client as JSON: %v, %+v", err, o)
	}
}
