package usage

import (
	"time"

	"headroom/internal/series"
)

// StatusOf says what the time since the last report says of a license server
// (design F5). A report that is exactly Thresholds.Reporting old still makes it
// Reporting, and one that is exactly Thresholds.Listed old NotReporting. A
// report from the future counts as just received.
func StatusOf(r Record, t Thresholds, now time.Time) Status {
	switch age := now.Sub(r.LastReported); {
	case !r.Removed.IsZero():
		return Removed
	case r.LastReported.IsZero():
		return Awaiting
	case age <= t.Reporting:
		return Reporting
	case age <= t.Listed:
		return NotReporting
	}
	return Silent
}

// stated returns the server of a record with all that depends on the time.
func stated(r Record, t Thresholds, now time.Time) Server {
	s := r.Server
	s.Status = StatusOf(r, t, now)
	s.Overdue = s.Status == Awaiting && now.Sub(s.Registered) > t.Awaited
	return s
}

// Counts says whether a license server is one of those that should report: one that
// is silent is until an administrator has taken note of it, and again once it reports.
func (s Server) Counts() bool {
	return s.Status != Removed && (s.Status != Silent || !s.Acknowledged.After(s.LastReported))
}

// holdsUntil returns the last instant at which what stated says of a server still
// holds, if nothing is received; zero if it holds for ever.
func holdsUntil(s Server, r Record, t Thresholds) time.Time {
	switch {
	case s.Status == Reporting:
		return r.LastReported.Add(t.Reporting)
	case s.Status == NotReporting:
		return r.LastReported.Add(t.Listed)
	case s.Status == Awaiting && !s.Overdue:
		return s.Registered.Add(t.Awaited)
	}
	return time.Time{}
}

// after says what the time after a server's newest record is (design section
// 4, rule 6).
func (s Status) after() series.Kind {
	switch s {
	case Reporting, Awaiting:
		return series.Pending
	case Removed:
		return series.Absent
	}
	return series.Unknown
}

// trustOf says what the servers report. Coverage is left to the caller.
func trustOf(servers []*server) Trust {
	var t Trust
	for _, s := range servers {
		if !s.Counts() {
			continue
		}
		switch s.Status {
		case Reporting:
			t.Reporting++
			if !s.LastReading.IsZero() && (t.Oldest.IsZero() || s.LastReading.Before(t.Oldest)) {
				t.Oldest = s.LastReading
			}
		default:
			t.Silent = append(t.Silent, s.Server)
		}
		t.Total++
	}
	return t
}
