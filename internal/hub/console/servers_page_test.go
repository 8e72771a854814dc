package console

import (
	"slices"
	"testing"
	"time"

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
