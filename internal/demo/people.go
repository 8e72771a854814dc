package demo

import (
	"time"

	"headroom/internal/license"
	"headroom/internal/sim"
	"headroom/internal/wire"
)

// lease is for how long a user/device license stays assigned.
const lease = 90 * 24 * time.Hour

// people returns what an agent would have recorded of those who were refused a
// license in a time, and of those to whom licenses were assigned when it began.
// What a log tells at the present is left to it.
func people(s *sim.Server, from, to, present time.Time) []wire.Record {
	var out []wire.Record
	if a := assigned(s, from); len(a.Assigned) > 0 {
		out = append(out, a)
	}
	if log := s.LogStart(present); s.Logged && log.Before(to) {
		to = log
	}
	if s.Logged || s.Manager == "generic" {
		for _, d := range s.Denials(from, to) {
			out = append(out, denial(s, d))
		}
	}
	return out
}

// denial is a refusal as a log tells it, or a script, which does not know what
// became of it.
func denial(s *sim.Server, d sim.Denial) *wire.Denial {
	out := &wire.Denial{PoolKey: wire.PoolKey(d.Pool), At: d.At.Unix(), User: d.User, Host: d.Host, Reason: d.Reason, Count: d.Count}
	switch {
	case !s.Logged:
		return out
	case d.Served:
		out.Outcome = wire.DenialServed
	default:
		out.Outcome = wire.DenialUnserved
	}
	out.Last = d.Last.Unix()
	return out
}

// assigned lists to whom the licenses of a server are assigned.
func assigned(s *sim.Server, at time.Time) *wire.Assignments {
	out := &wire.Assignments{
		At: at.Unix(), Own: true, Complete: true, Truncated: true, Lease: int64(lease / time.Second), LastIs: license.LastRequest,
	}
	for i := range s.Features {
		lists := map[license.AssigneeKind]*wire.Assigned{}
		for _, kind := range []license.AssigneeKind{license.AssignedUser, license.AssignedDevice} {
			lists[kind] = &wire.Assigned{Vendor: s.Daemon, Who: kind}
		}
		for _, a := range s.Assignments(&s.Features[i], at) {
			l := lists[a.Kind]
			l.PoolKey = wire.PoolKey(a.Pool)
			l.Names, l.Last = append(l.Names, a.Name), append(l.Last, a.Last.Unix())
		}
		for _, kind := range []license.AssigneeKind{license.AssignedUser, license.AssignedDevice} {
			if len(lists[kind].Names) > 0 {
				out.Assigned = append(out.Assigned, *lists[kind])
			}
		}
	}
	return out
}
