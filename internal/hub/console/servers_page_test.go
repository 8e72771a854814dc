package console

import (
	"slices"
	"testing"
	"time"

	"headroom/internal/hub/account"
	"headroom/internal/hub/usage"
	"headroom/internal/look"
)

func TestChangesOfNamesAreShownNewestFirst(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 3, day, 10, 15, 0, 0, time.UTC) }
	clock := look.Clock{Now: at(9)}
	got := namesLines(clock, []usage.NamesChange{{Since: at(2), Mode: "none"}, {Since: at(3), Mode: "pseudonyms", Key: "3f2a91c0"}})
	want := []string{"names: pseudonyms (key 3f2a91c0) since 3 Mar 2026, 10:15 UTC", "before: none, from 2 Mar 2026, 10:15 UTC"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := namesLines(clock, nil); len(got) != 0 {
		t.Errorf("names that were always clear: %q, want nothing", got)
	}
}

func TestAnUpdateIsOfferedAndItsWaitIsTold(t *testing.T) {
	now := time.Date(2026, 3, 9, 10, 15, 0, 0, time.UTC)
	clock := look.Clock{Now: now}
	for _, c := range []struct {
		name        string
		asked, came time.Duration // ago; 0: never
		removed     bool
		role        account.Role
		note        string
		offered     bool
	}{
		{"nobody asked", 0, time.Hour, false, account.Operator, "", true},
		{"a viewer", 0, time.Hour, false, account.Viewer, "", false},
		{"just asked", time.Minute, time.Hour, false, account.Operator, "update asked for 1 minute ago", false},
		{"it came", time.Hour, time.Minute, false, account.Operator, "", true},
		{"none came", time.Hour, 2 * time.Hour, false, account.Operator, "an update was asked for 1 hour ago; none came", true},
		{"long ago", 48 * time.Hour, 72 * time.Hour, false, account.Operator, "", true},
		{"removed", 0, time.Hour, true, account.Operator, "", false},
	} {
		s := usage.Server{GUID: "a/b", Name: "lic", Status: usage.Reporting, LastReported: now.Add(-c.came), LastReading: now.Add(-c.came)}
		if c.asked > 0 {
			s.UploadAsked = now.Add(-c.asked)
		}
		if c.removed {
			s.Status = usage.Removed
		}
		row := newServersPage(clock, usage.DefaultThresholds, []usage.Server{s}, nil, c.removed, c.role).Rows[0]
		if row.Waits != c.note || (row.Update == "/servers/a%2Fb/update") != c.offered {
			t.Errorf("%s: %q, offered at %q; want %q, offered %v", c.name, row.Waits, row.Update, c.note, c.offered)
		}
	}
}

func TestNoteIsOfferedOfWhatIsSilentOnly(t *testing.T) {
	now := time.Date(2026, 3, 9, 10, 15, 0, 0, time.UTC)
	clock := look.Clock{Now: now}
	long := now.AddDate(0, -3, 0)
	all := []usage.Server{
		{GUID: "a", Name: "a", Status: usage.Silent, LastReported: long},
		{GUID: "b", Name: "b", Status: usage.Silent, LastReported: long, Acknowledged: now.Add(-time.Hour)},
		{GUID: "c", Name: "c", Status: usage.Removed, LastReported: long},
	}
	p := newServersPage(clock, usage.DefaultThresholds, all, nil, true, account.Admin)
	if p.Total != 1 || p.Rows[0].Acknowledge != "/servers/a/acknowledge" || p.Rows[1].Acknowledge+p.Rows[2].Acknowledge != "" || p.Rows[1].StatusNote != "taken note of 1 hour ago" {
		t.Errorf("%d should report; rows %+v", p.Total, p.Rows)
	}
	if p := newServersPage(clock, usage.DefaultThresholds, all, nil, true, account.Operator); p.Rows[0].Acknowledge != "" {
		t.Error("an operator is offered to take note")
	}
}
