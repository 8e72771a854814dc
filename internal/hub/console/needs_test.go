package console

import (
	"slices"
	"testing"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/look"
)

func TestWhatNeedsSomebodyIsNamedWithOneAct(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	o := usage.Overview{
		Trust: usage.Trust{Silent: []usage.Server{{GUID: "s", Name: "quiet", Status: usage.NotReporting, LastReported: now.AddDate(0, 0, -9)}}},
		Cards: []usage.Card{
			{Product: catalog.Product{Key: "a", Name: "CAD"}, Now: usage.Now{Over: license.Of(3), LeftOut: []string{"quiet"}}, Tightest: "busy"},
			{Product: catalog.Product{Key: "b", Name: "Mesh"}, Denied: usage.DenialCount{True: 2, False: 4}},
			{Product: catalog.Product{Key: "c", Name: "Fine"}, Denied: usage.DenialCount{False: 4}},
		},
		Failing: []usage.Server{{GUID: "f", Name: "broken", Failure: "no license file"}},
		Forked:  []usage.Server{{GUID: "t", Name: "twin", Forked: now.Add(-3 * time.Hour)}},
		Clocks:  []usage.Server{{GUID: "l", Name: "late", Clock: -2 * time.Hour}},
	}
	var got []string
	for _, n := range newNeeds(look.Clock{Now: now, Zone: time.UTC}, o) {
		got = append(got, n.What+": "+n.Why+" -> "+n.Href)
	}
	want := []string{
		"CAD: 3 more in use than purchased, most on busy -> /usage/a#servers-title",
		"twin: two have used the identity of its agent, last 3 hours ago: its machine was cloned, or restored from a backup -> /servers/t",
		"quiet: not reporting, last reported 9 days ago; current figures of 1 product are without it -> /servers/s",
		"broken: its reader fails: no license file -> /servers/f",
		"late: the clock of its agent's machine is 2 hours behind -> /servers/l",
		"Mesh: 2 denials in the last 7 days: somebody went without -> /usage/b?span=7#denials-title",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
