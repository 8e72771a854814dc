package usage

import (
	"slices"
	"testing"
	"time"
)

// An agent with several license servers is told of once; what is long ago, and the
// clock of one that is away, not at all.
func TestWhatIsWrongWithAnAgentIsToldOnce(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	var servers []*server
	for _, s := range []Server{
		{Name: "a1", Agent: "a", Forked: now.Add(-13 * 24 * time.Hour), Clock: 6 * time.Minute},
		{Name: "a2", Agent: "a", Forked: now.Add(-13 * 24 * time.Hour), Clock: 6 * time.Minute},
		{Name: "b", Agent: "b", Forked: now.Add(-15 * 24 * time.Hour), Clock: -5 * time.Minute},
		{Name: "c", Agent: "c", Forked: now, Clock: -time.Hour, Status: Removed},
		{Name: "d", Agent: "d", Clock: -time.Hour, Status: Silent},
		{Name: "e", Agent: "e", Clock: -time.Hour, Status: Reporting},
	} {
		servers = append(servers, &server{Server: s})
	}
	names := func(all []Server) (out []string) {
		for _, s := range all {
			out = append(out, s.Name)
		}
		return out
	}
	if got, want := names(forked(servers, now)), []string{"a1"}; !slices.Equal(got, want) {
		t.Errorf("used by two: %q, want %q", got, want)
	}
	if got, want := names(wrongClocks(servers)), []string{"a1", "e"}; !slices.Equal(got, want) {
		t.Errorf("wrong clocks: %q, want %q", got, want)
	}
}
