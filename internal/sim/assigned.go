package sim

import (
	"time"

	"headroom/internal/license"
)

// deviceEach is how many assignments there are for each one of a device.
const deviceEach = 12

// Assignments returns to whom the licenses of a user/device feature are
// assigned at t, the oldest first: when they were first, and when they asked
// for a license last. It is empty for other features.
func (s *Server) Assignments(f *Feature, t time.Time) []license.Assignment {
	if f.Shape != Assigned {
		return nil
	}
	n := int(s.use(f, t))
	since := s.assignedSince(f, t, n)
	all := make([]license.Assignment, n)
	for i := range all {
		all[i] = license.Assignment{Pool: f.pool(), First: since[i], Last: s.lastRequest(f, i, since[i], t)}
		all[i].Kind, all[i].Name = license.AssignedUser, ""
		if i%deviceEach == deviceEach-1 {
			all[i].Kind, all[i].Name = license.AssignedDevice, s.machine("TC", uint64(i))
			continue
		}
		all[i].Name, _ = s.person(f, i)
	}
	return all
}

// assignedSince returns when each of the n assignments of t was made. They are
// a stack too, which is looked at once a day, as far back as the estate's past
// goes.
func (s *Server) assignedSince(f *Feature, t time.Time, n int) []time.Time {
	since := make([]time.Time, n)
	begin := s.estate.Begin()
	for day := t.UTC().Truncate(24 * time.Hour); n > 0; day = day.AddDate(0, 0, -1) {
		if day.Before(begin) {
			fill(since[:n], begin)
			break
		}
		if was := min(int(s.use(f, day)), n); was < n {
			fill(since[was:n], day)
			n = was
		}
	}
	return since
}

// habits are how many days lie between two logins of somebody: most come every
// working day, some hardly ever.
var habits = [...]int64{1, 1, 1, 1, 1, 1, 2, 7, 21, 62}

// lastRequest is when the i-th assignee asked for a license last.
func (s *Server) lastRequest(f *Feature, i int, since, t time.Time) time.Time {
	chance := f.chance(ofHabit, int64(i))
	every := habits[chance%uint64(len(habits))]
	phase := int64(chance>>8) % every
	local := t.In(s.Zone)
	for back := range 2*every + 10 {
		day := midnight(local).AddDate(0, 0, -int(back))
		number := dayNumber(day)
		if (number+phase)%every != 0 || every < 7 && dayFactor(day) < 0.5 {
			continue
		}
		if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
			day = day.AddDate(0, 0, -2)
		}
		minute := 7*60 + int64(f.chance(ofHabit, int64(i)<<20|number)%300)
		at := day.Add(time.Duration(minute) * time.Minute)
		if !at.After(t) {
			return later(at, since).UTC()
		}
	}
	return later(t.Add(-time.Duration(every)*24*time.Hour).Truncate(time.Minute), since).UTC()
}

// dayNumber counts the days of the calendar.
func dayNumber(t time.Time) int64 {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
