package insight

import (
	"time"

	"headroom/internal/license"
)

// A Cell is what is known of one hour of the week. Peak is its highest use in
// the whole span; P95 is what the use did not exceed in 95 % of the seconds in
// which something is known.
type Cell struct {
	Peak Peak
	P95  license.Count
}

// A Heat has a cell for each weekday, Sunday first, and each hour of the clock.
type Heat [7][24]Cell

// HeatOf returns the heat map of buckets that do not cross an hour of the
// zone's clock: see Hours. An hour that comes twice, when the clock is put back,
// is in one cell.
func HeatOf(buckets []Bucket, zone *time.Location) (out Heat) {
	var levels [7][24][]Levels
	for _, b := range buckets {
		t := time.Unix(b.From, 0).In(zone)
		c := &out[t.Weekday()][t.Hour()]
		c.Peak = JoinPeaks(c.Peak, b.Peak)
		l := &levels[t.Weekday()][t.Hour()]
		*l = append(*l, b.Levels)
	}
	for day := range out {
		for hour := range out[day] {
			out[day][hour].P95 = JoinLevels(levels[day][hour]...).Percentile(95)
		}
	}
	return out
}

// Hours divides [from, to) wherever the zone's clock shows a full hour, and
// where it is put forward or back.
func Hours(from, to time.Time, zone *time.Location) []Span {
	var out []Span
	for at := from.Unix(); at < to.Unix(); {
		t := time.Unix(at, 0).In(zone)
		end := at + 3600 - int64(t.Minute()*60+t.Second())
		if _, change := t.ZoneBounds(); !change.IsZero() {
			end = min(end, change.Unix())
		}
		end = min(end, to.Unix())
		out = append(out, Span{at, end})
		at = end
	}
	return out
}
