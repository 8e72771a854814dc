package lmx

import (
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// firstYear and lastYear are the years that a license or a checkout can have.
const (
	firstYear = 1970
	lastYear  = 9998
)

// readTime reads a date, or a date and a time of day; zero if it is neither.
func readTime(t string, zone *time.Location) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		at, err := time.ParseInLocation(layout, t, zone)
		if err == nil && at.Year() >= firstYear && at.Year() <= lastYear {
			return at.UTC()
		}
	}
	return time.Time{}
}

// isTime reports whether a value is a time or says that there is none.
func isTime(t string, zone *time.Location) bool {
	return !readTime(t, zone).IsZero() || isNever(t)
}

// isNever reports whether a date says that it never comes.
func isNever(t string) bool { return isWord(t, "none", "never", "perpetual", "permanent", "unlimited") }

// term returns the license behind a feature.
func (f feature) term(pool license.Pool) facts.Term {
	t := facts.Term{
		Pool: pool, State: f.state, Count: f.installed, Version: f.version, Vendor: f.vendor,
		Start: readTime(f.start, time.UTC), Text: strings.TrimSpace(f.end),
	}
	if t.Permanent = isNever(f.end); !t.Permanent {
		t.Expiry = readTime(f.end, time.UTC)
	}
	return t
}
