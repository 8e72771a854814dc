package sim

import (
	"cmp"
	"slices"
	"time"

	"headroom/internal/license"
)

// A Denial is a request that found all licenses taken. Who is refused asks
// again a few times within a minute.
type Denial struct {
	Pool       license.Pool
	At         time.Time // of the first request; whole seconds
	User, Host string
	Reason     string
	Count      int64 // of requests
	Served     bool  // licenses were free within the next minutes
}

// noneLeft is FlexNet's text for it.
const noneLeft = "Licensed number of users already reached. (-4,342)"

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

// refusals are those of one feature.
func (s *Server) refusals(f *Feature, from, to time.Time) []Denial {
	if f.Shape != Office || f.Queues || f.Uncounted {
		return nil
	}
	var all []Denial
	first := from.Unix() - from.Unix()%grid
	before, now := s.without(f, first-grid), s.without(f, first)
	for at := first; at < to.Unix(); at += grid {
		next := s.without(f, at+grid)
		for i := before; i < now; i++ {
			d := s.refusal(f, at, i)
			d.Served = i >= next
			if !d.At.Before(from) && d.At.Before(to) {
				all = append(all, d)
			}
		}
		before, now = now, next
	}
	return all
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

func (s *Server) refusal(f *Feature, at, i int64) Denial {
	chance := f.chance(ofRefusal, at+i)
	d := Denial{Pool: f.pool(), Reason: noneLeft, Count: 1 + int64(chance%4), At: time.Unix(at+7+int64(chance>>8%(grid-80)), 0).UTC()}
	d.User, d.Host = s.person(f, int(f.room(d.At)+i))
	return d
}
