package sim

import (
	"cmp"
	"slices"
	"time"

	"headroom/internal/license"
)

// A Denial is a request that found all licenses taken. Who is refused asks
// again a few times.
type Denial struct {
	Pool       license.Pool
	At         time.Time // of the first request; whole seconds
	User, Host string
	Reason     string
	Last       time.Time // of the last one
	Count      int64
	Served     bool // they got the licenses within five minutes
}

// noneLeft says why, in FlexNet's words and in those of others.
func (s *Server) noneLeft() string {
	if s.Manager == "flexnet" {
		return "Licensed number of users already reached. (-4,342)"
	}
	return "no license left"
}

// Denials returns the refusals of a server in [from, to), in the order of time.
// Where a feature has a queue nobody is refused.
func (s *Server) Denials(from, to time.Time) []Denial {
	var all []Denial
	for i := range s.Features {
		all = append(all, s.refusals(&s.Features[i], from, to)...)
	}
	slices.SortStableFunc(all, func(a, b Denial) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.User, b.User))
	})
	return all
}

// mostRefused is how many are refused at one time at most.
const mostRefused = 6

// refusals are those of one feature: who comes when all is taken, and those who
// take the last licenses, a moment before they are free.
func (s *Server) refusals(f *Feature, from, to time.Time) []Denial {
	if f.Shape != Office || f.Queues || f.Uncounted {
		return nil
	}
	var all []Denial
	first := from.Unix() - from.Unix()%grid
	before := s.without(f, first-grid)
	for at := first; at < to.Unix(); at += grid {
		now := s.without(f, at)
		for i := before; i < now; i++ {
			all = append(all, s.refusal(f, at, i, false))
		}
		before = now
		if s.takesLast(f, at+grid) {
			all = append(all, s.refusal(f, at, -1, true))
		}
	}
	return slices.DeleteFunc(all, func(d Denial) bool { return d.At.Before(from) || !d.At.Before(to) })
}

// takesLast reports whether somebody takes the last license at a grid instant.
func (s *Server) takesLast(f *Feature, at int64) bool {
	t := time.Unix(at, 0)
	room := f.room(t)
	return !s.Down(t) && room > 0 && s.wish(f, t) >= room && s.wish(f, t.Add(-grid*time.Second)) == room-1
}

// without is how many ask for licenses of a feature at a grid instant and find
// none.
func (s *Server) without(f *Feature, at int64) int64 {
	t := time.Unix(at, 0)
	if s.Down(t) {
		return 0
	}
	return min(max(s.wish(f, t)-f.room(t), 0), mostRefused)
}

// refusal is that of the i-th who finds no license; -1 is who takes the last one.
func (s *Server) refusal(f *Feature, at, i int64, served bool) Denial {
	chance := f.chance(ofRefusal, at+i)
	d := Denial{
		Pool: f.pool(), Reason: s.noneLeft(), Count: 1 + int64(chance%4), At: time.Unix(at+7+int64(chance>>8%(grid-80)), 0).UTC(), Served: served,
	}
	d.Last = d.At.Add(time.Duration(d.Count-1) * retryAfter)
	d.User, d.Host = s.person(f, int(f.room(d.At)+i))
	return d
}
