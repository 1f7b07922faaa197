package installed

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"ebbgate/internal/lab"
)

// cursor returns where the journal ends now.
func (h *host) cursor(t *testing.T) string {
	t.Helper()
	out := h.Run(t, "journalctl", "--quiet", "--boot", "--lines=0", "--show-cursor")
	_, cursor, ok := strings.Cut(out, "-- cursor: ")
	if !ok {
		t.Fatalf("journalctl shows no cursor: %s", out)
	}
	return strings.TrimSpace(cursor)
}

// since returns what the service, and systemd of it, has written to the journal after a cursor.
func (h *host) since(t *testing.T, cursor string) string {
	t.Helper()
	h.Run(t, "journalctl", "--sync")
	return h.Run(t, "journalctl", "--quiet", "--output=cat", "--unit=ebbgate", "--after-cursor="+cursor)
}

// entries reads journal entries of the service that match a field.
func (h *host) entries(t *testing.T, match string) (all []map[string]any) {
	t.Helper()
	h.Run(t, "journalctl", "--sync")
	out := h.Run(t, "journalctl", "--quiet", "--boot", "--output=json", "--unit=ebbgate", match)
	for line := range strings.Lines(out) {
		entry := make(map[string]any)
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, entry)
	}
	return all
}

// journal: what happened can be found by field.
func (h *host) journal(t *testing.T) {
	began := h.entries(t, "EBBGATE_EVENT=attack-began")
	if len(began) == 0 {
		t.Fatal("no attack-began is in the journal")
	}
	for key, want := range map[string]string{
		"EBBGATE_SERVICE": "shop", "EBBGATE_KIND": "connection-flood", "PRIORITY": "4",
		"MESSAGE_ID":    "164fa8e6b8525018b24d44158a63ed86",
		"_SYSTEMD_UNIT": "ebbgate.service", "SYSLOG_IDENTIFIER": "ebbgate",
	} {
		if got := began[0][key]; got != want {
			t.Errorf("%s is %v, want %s, of\n%v", key, got, want, began[0])
		}
	}
	if text, _ := began[0]["MESSAGE"].(string); !strings.Contains(text, "attack-began") || !strings.Contains(text, "shop") {
		t.Errorf("MESSAGE=%s", text)
	}
	raised := h.entries(t, "EBBGATE_EVENT=limit-raised")
	for _, a := range lab.AttackRange().IPv4(attackers) {
		if !slices.ContainsFunc(raised, func(e map[string]any) bool {
			return e["EBBGATE_SOURCE"] == a.String()+"/32" || e["EBBGATE_SOURCE"] == a.String()
		}) {
			t.Errorf("no limit-raised is in the journal for %s", a)
		}
	}
}
