package facts_test

import (
	"testing"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

func TestRowsOfOnePoolAreAdded(t *testing.T) {
	pool := license.Pool{Feature: "cutter"}
	counted := license.Reading{Pool: pool, Daemon: "d", State: license.StateCounted, Installed: license.Of(5), InUse: license.Of(2)}
	unlimited := license.Reading{Pool: pool, Daemon: "d", State: license.StateUnlimited, InUse: license.Of(3)}
	uncounted := license.Reading{Pool: pool, Daemon: "d", State: license.StateUncounted}
	failed := license.Reading{Pool: pool, Daemon: "e", State: license.StateError, Reason: "expired"}
	for name, tt := range map[string]struct {
		rows []license.Reading
		want license.Reading
	}{
		"two counted":       {[]license.Reading{counted, counted}, license.Reading{Pool: pool, Daemon: "d", State: license.StateCounted, Installed: license.Of(10), InUse: license.Of(4)}},
		"one has no limit":  {[]license.Reading{counted, unlimited}, license.Reading{Pool: pool, Daemon: "d", State: license.StateUnlimited, InUse: license.Of(5)}},
		"one is uncounted":  {[]license.Reading{uncounted, counted}, counted},
		"one is not served": {[]license.Reading{counted, failed}, license.Reading{Pool: pool, State: license.StateError, Reason: "expired"}},
	} {
		var r facts.Readings
		r.Add(license.Reading{Pool: license.Pool{Feature: "other"}})
		for _, row := range tt.rows {
			r.Add(row)
		}
		if all := r.All(); len(all) != 2 || all[1] != tt.want {
			t.Errorf("%s: %+v, want %+v", name, all, tt.want)
		}
	}
}
