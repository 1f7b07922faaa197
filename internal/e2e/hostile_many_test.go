package e2e

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ebbgate/control"
	"ebbgate/internal/lab"
	"ebbgate/policy"
)

// manyPolicy has the least bounds that a policy may have, and blocks whoever stays at his limit.
const manyPolicy = `mode = "enforce"
[control]
socket = %q
view_group = ""
[history]
path = %q
[observe]
max_sources = 1000
[limits]
max_blocks = 100
[[service]]
name = "shop"
ports = [%d]
[service.connections]
per_source = 3
[service.response]
lease = "3s"
quiet = "1s"
block_after = "1s"
block_for = ["10m"]
`

// TestMoreAttackersThanThereIsRoomFor has 1,050 sources at their limit, 150 of them beyond it, where 1,000 may be limited
// and 100 blocked. What is full says so, nothing grows beyond its bound, no block gives way to another, and whoever
// behaves is served.
func TestMoreAttackersThanThereIsRoomFor(t *testing.T) {
	const attackers, beyond, maxBlocks, maxSources = 1050, 150, 100, 1000
	s := newStage(t)
	server := s.server(everywhere(), 3*attackers+beyond+100)
	sources := lab.AttackRange().IPv4(attackers)
	for each, from := range map[int][]netip.Addr{4: sources[:beyond], 3: sources[beyond:]} {
		s.hoard(s.Attackers, lab.HoardConfig{Target: v4(), Sources: from, PerSource: each, Rate: 4000, Payload: lab.PartialRequest()})
	}
	await(t, 30*time.Second, "all have what they want", func() error {
		if n := server.Counts().Held; n < 3*attackers+beyond {
			return fmt.Errorf("%d connections are held", n)
		}
		return nil
	})
	kept := filepath.Join(s.dir, "state", "history.db")
	s.write(fmt.Sprintf(manyPolicy, s.socket(), kept, port))
	d := s.start(command("run", "--config", s.config()))
	full := d.awaitStatus("there are as many blocks as there may be", func(st *control.Status) error {
		if n := st.Services[0].BlocksTotal; n != maxBlocks {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	blocked := sourcesOf(full.Services[0].Blocks)
	client := lab.ClientRange().IPv4(1)[0]
	for range 2 {
		if err := s.open(s.Clients, client, v4()); err != nil {
			t.Errorf("who behaves is not served: %v", err)
		}
	}
	d.remainsStatus(3*time.Second, "everything stays within its bounds", func(st *control.Status) error {
		shop := st.Services[0]
		if shop.BlocksTotal != maxBlocks || shop.LimitsTotal > maxSources || len(shop.Blocks) > control.MaxBlocks || len(shop.Limits) > control.MaxLimits {
			return fmt.Errorf("%d blocks, %d of them shown, %d limits, %d of them shown", shop.BlocksTotal, len(shop.Blocks), shop.LimitsTotal, len(shop.Limits))
		}
		if now := sourcesOf(shop.Blocks); !slices.Equal(now, blocked) {
			return fmt.Errorf("blocked are others than before: %v, %v", now, blocked)
		}
		for _, l := range shop.Limits {
			if l.Source.Contains(client) {
				return fmt.Errorf("the client is limited: %+v", l)
			}
		}
		return nil
	})
	d.told(policy.BlocksFull)
	if n := strings.Count(s.nft("list set inet ebbgate shop_block4\n"), " expires "); n != maxBlocks {
		t.Errorf("the kernel holds %d blocks", n)
	}
	if n := strings.Count(s.nft("list set inet ebbgate shop_refuse4\n"), " expires "); n > maxSources {
		t.Errorf("the kernel refuses %d sources", n)
	}
	s.smallTraces(d, kept)
}

// sourcesOf returns the sources of blocks, in order.
func sourcesOf(blocks []control.Block) []netip.Prefix {
	var all []netip.Prefix
	for _, b := range blocks {
		all = append(all, b.Source)
	}
	slices.SortFunc(all, policy.ComparePrefix)
	return all
}

// told checks that an event of the kind has come.
func (d *daemon) told(kind policy.EventKind) {
	d.t.Helper()
	stream, err := d.client.Events(d.t.Context(), 0, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	if !slices.ContainsFunc(stream.Events, func(e control.Event) bool { return e.Event == kind }) {
		d.t.Errorf("no event %q among %d", kind, len(stream.Events))
	}
}

// smallTraces checks that what is told and kept of a crowd of attackers does not grow with them.
func (s *stage) smallTraces(d *daemon, history string) {
	s.t.Helper()
	for what, ask := range map[string]func() (any, error){
		"status":  func() (any, error) { return d.client.Status(s.t.Context()) },
		"attacks": func() (any, error) { return d.client.Attacks(s.t.Context()) },
		"events":  func() (any, error) { return d.client.Events(s.t.Context(), 0, 0) },
	} {
		answer, err := ask()
		if err != nil {
			s.t.Fatal(err)
		}
		if b, err := json.Marshal(answer); err != nil || len(b) > 256<<10 {
			s.t.Errorf("the answer to %s has %d bytes, %v", what, len(b), err)
		}
	}
	if n := strings.Count(d.log.String(), "\n"); n > 400 {
		s.t.Errorf("the log has %d lines", n)
	}
	if info, err := os.Stat(history); err != nil || info.Size() > 1<<20 {
		s.t.Errorf("the history: %v, %v", info, err)
	}
}
