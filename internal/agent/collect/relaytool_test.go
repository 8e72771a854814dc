package collect_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/agent/collect"
	"headroom/internal/license"
)

func TestRelayListsItsLicenses(t *testing.T) {
	t.Parallel()
	args := []string{"ls", "--plain", "--database", "/srv/relay.sqlite"}
	const table = "| id | pool | claims | node_id | last_claimed_at | last_released_at |\n+----+------+--------+---------+-----------------+------------------+\n" +
		"| a | - | 7 | 3 | 2026-03-03T09:00:00Z | - |\n| b | - | 0 | - | - | - |\n"
	for out, want := range map[string]string{table: "", "license pool is empty\n": "license pool is empty", "error: unable to open database file\n": "unable to open"} {
		folder := fake(t, answer{Tool: "relay", Args: args, Env: []string{"NO_COLOR=1"}, Out: out})
		res := read(t, &collect.RelayTool{Tool: exe(folder, "relay"), Database: "/srv/relay.sqlite", Timeout: 20 * time.Second, Now: func() time.Time { return now }})
		if !strings.Contains(res.Failure, want) || (res.Failure == "") != res.HasSnapshot() {
			t.Errorf("%q: failure %q, snapshot %v, want %q", out, res.Failure, res.HasSnapshot(), want)
		}
		if want != "" {
			continue
		}
		if diff := cmp.Diff([]license.Reading{relayPool("licenses", 2, 1)}, res.Snapshot.Readings); diff != "" || !res.Own {
			t.Errorf("own %v, readings (-want +got):\n%s", res.Own, diff)
		}
	}
}
