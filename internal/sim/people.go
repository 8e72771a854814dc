package sim

import (
	"fmt"
	"strings"
	"time"

	"headroom/internal/license"
)

// lookBack is how far back the start of a simulated checkout is looked for. One
// that is older began some time before.
const lookBack = 5 * 24 * time.Hour

// A Checkout is somebody who has licenses of a feature, or waits for them.
type Checkout struct {
	Number     int // among those of the feature
	User, Host string
	Licenses   int64
	Since      time.Time          // whole seconds
	Kind       license.HolderKind // active, borrowed or queued
}

// Checkouts returns who has licenses of a feature at t, the oldest first, and
// then who waits.
func (s *Server) Checkouts(f *Feature, t time.Time) []Checkout {
	open, waiting := s.demand(f, t)
	all := make([]Checkout, 0, open+waiting)
	for i, since := range s.starts(f, t, open+waiting) {
		c := Checkout{Number: i, Licenses: f.each(), Since: since, Kind: license.HolderActive}
		c.User, c.Host = s.person(f, i)
		switch {
		case int64(i) >= open:
			c.Kind = license.HolderQueued
		case i < f.Borrowed:
			c.Kind = license.HolderBorrowed
		}
		all = append(all, c)
	}
	return all
}

// starts returns since when each of the first n checkouts that are wished for
// at t has been. They behave like a stack: who came last leaves first.
func (s *Server) starts(f *Feature, t time.Time, n int64) []time.Time {
	starts := make([]time.Time, n)
	oldest := t.Add(-lookBack)
	for at := time.Unix(t.Unix()-t.Unix()%grid, 0).UTC(); n > 0; at = at.Add(-grid * time.Second) {
		before := at.Add(-grid * time.Second)
		if before.Before(s.Restart) && !t.Before(s.Restart) {
			fill(starts[:n], s.Restart)
			break
		}
		if before.Before(oldest) {
			for i := range starts[:n] {
				starts[i] = s.longAgo(f, i, oldest)
			}
			break
		}
		if was := min(s.wish(f, before), n); was < n {
			fill(starts[was:n], at)
			n = was
		}
	}
	return starts
}

// longAgo is when the i-th checkout began, if that was before an instant: in
// the first days after the server was started.
func (s *Server) longAgo(f *Feature, i int, before time.Time) time.Time {
	wait := time.Duration(f.chance(ofStart, int64(i))%(72*3600)) * time.Second
	up := s.started(before)
	if up.Add(wait).After(before) {
		up = s.started(up.Add(-time.Second))
	}
	return up.Add(wait)
}

func fill(times []time.Time, t time.Time) {
	for i := range times {
		times[i] = t
	}
}

var (
	firstNames = strings.Fields(`anna ben carla david emma felix gina hugo ines jonas karin liam maria nils olga paul rosa sven tara
		victor amit bjorn chloe deepa elif fatima george hana ivan jing kofi lena mateo nadia omar priya quentin ravi sofia tomas`)
	lastNames = strings.Fields(`adler bauer costa dixon evans fischer gupta hansen ito jensen kumar lopez meyer novak okafor patel
		quinn rossi schmidt tanaka andersen brown chen dubois eriksen ferrari garcia hughes iyer jones klein lindberg moreau nguyen
		oliveira petrov reyes singh turner weber`)
)

// person returns the user and host of the i-th checkout of a feature.
func (s *Server) person(f *Feature, i int) (user, host string) {
	first, last := uint64(len(firstNames)), uint64(len(lastNames))
	k := (uint64(i)*7919 + f.seed) % (first * last)
	user = firstNames[k%first] + "." + lastNames[k/first]
	if f.Shape == Cluster {
		return user, fmt.Sprintf("node%03d", k%64)
	}
	return user, s.machine("WS", k)
}

// machine names a machine of the server's site.
func (s *Server) machine(kind string, k uint64) string {
	return fmt.Sprintf("%s-%s%04d", strings.ToUpper((s.Site + "---")[:3]), kind, k)
}

// group is for whom reserved licenses are set aside.
const group = "GROUP ENGINEERING"
