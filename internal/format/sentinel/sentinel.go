// Package sentinel reads what the license managers named Sentinel print: the
// status of Sentinel RMS and the older SentinelLM (lsmon), their usage log, and
// the features and sessions that the Admin Control Center of Sentinel LDK
// (HASP) tells. It turns bytes into facts and returns every line that it could
// not read with its number and text. It knows no clock, no process and no
// network.
//
// RMS serves a feature in versions that share nothing and names both wherever
// it names one. So a pool is a feature in a version, which is its Variant.
package sentinel

import (
	"strings"
	"time"

	"headroom/internal/format/text"
	"headroom/internal/license"
)

// managerRMS is the name of the license manager.
const managerRMS = "sentinel"

// number reads a count.
func number(t string) license.Count {
	n, ok := text.ParseCount(t)
	if !ok {
		return license.Count{}
	}
	return license.Of(n)
}

// unlimitedBefore95 is what RMS before version 9.5 prints for "no limit".
const unlimitedBefore95 = 2097150

// limit reads how many licenses there are.
func limit(t string) (license.State, license.Count) {
	t = strings.TrimRight(t, ". ")
	if strings.EqualFold(t, "unlimited") || strings.EqualFold(t, "infinite") {
		return license.StateUnlimited, license.Count{}
	}
	n, ok := text.ParseCount(t)
	switch {
	case !ok:
		return license.StateUnknown, license.Count{}
	case n == unlimitedBefore95:
		return license.StateUnlimited, license.Count{}
	}
	return license.StateOf(n)
}

// firstYear and lastYear are the years that a license or an event can have.
const (
	firstYear = 1970
	lastYear  = 9998
)

// readTime reads a time as RMS prints it, "Fri Aug 13 17:33:33 1999" in the
// given zone; zero if it is none.
func readTime(t string, zone *time.Location) time.Time {
	return readLayout("Mon Jan 2 15:04:05 2006", t, zone)
}

func readLayout(layout, t string, zone *time.Location) time.Time {
	at, err := time.ParseInLocation(layout, strings.Join(strings.Fields(t), " "), zone)
	if err != nil || at.Year() < firstYear || at.Year() > lastYear {
		return time.Time{}
	}
	return at.UTC()
}
