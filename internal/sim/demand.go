package sim

import (
	"hash/fnv"
	"math"
	"time"
)

// office is the share of the busiest hour that is in use at each local hour;
// the last entry closes the day. The profile follows measured CAD sites.
var office = [25]float64{
	.03, .03, .03, .03, .03, .04, .14, .38, .72, .90, .96, 1.00,
	.88, .86, .95, .98, .90, .66, .38, .20, .12, .08, .05, .04, .03,
}

// longestQueue is how many wait at most; who comes later gives up.
const longestQueue = 6

// demand returns how many checkouts of a feature are open at t, and how many
// wait for a license.
func (s *Server) demand(f *Feature, t time.Time) (open, waiting int64) {
	wish, room := s.wish(f, t), f.room(t)
	open = min(wish, room)
	if f.Queues {
		waiting = min(wish-open, longestQueue)
	}
	return open, waiting
}

// use returns the licenses that people hold of a feature at t, reservations
// not counted.
func (s *Server) use(f *Feature, t time.Time) int64 {
	open, _ := s.demand(f, t)
	return open * f.each()
}

// room is how many checkouts of a feature find licenses.
func (f *Feature) room(t time.Time) int64 {
	if f.Uncounted {
		return 0
	}
	return max(f.purchase(t).Installed-f.Reserved, 0) / f.each()
}

// wish is how many checkouts of a feature there would be at t without limits.
func (s *Server) wish(f *Feature, t time.Time) int64 {
	want := s.wanted(f, t.Unix()-t.Unix()%grid)
	if !s.Restart.IsZero() && !t.Before(s.Restart) && t.Before(s.Restart.Add(reconnectTakes)) && f.Shape != Assigned {
		want *= float64(t.Sub(s.Restart)) / float64(reconnectTakes)
	}
	return max(int64(math.Round(want/float64(f.each()))), 0)
}

// wanted is the demand in licenses at a grid instant.
func (s *Server) wanted(f *Feature, at int64) float64 {
	if f.Shape == System {
		return f.Demand
	}
	level := f.Demand * (1 - 0.2*float64(s.estate.Now.Unix()-at)/(395*86400))
	if f.Shape == Assigned {
		return level * (1 + 0.01*f.smooth(ofAssigned, at, 45*86400))
	}
	local := time.Unix(at, 0).In(s.Zone)
	day := int64(local.Year())*400 + int64(local.YearDay())
	if f.Shape == Cluster {
		level *= 0.45 + 0.3*f.smooth(ofLoad, at, 6*3600)
	} else {
		hour := float64(local.Hour()) + float64(local.Minute())/60
		level *= between(office[:], hour) * dayFactor(local)
	}
	return level * (1 + 0.10*f.noise(ofDay, day) + 0.06*f.smooth(ofHour, at, 1800))
}

// dayFactor is what weekends and holidays leave of an ordinary day.
func dayFactor(t time.Time) float64 {
	switch {
	case holiday(t):
		return 0.07
	case t.Weekday() == time.Saturday:
		return 0.09
	case t.Weekday() == time.Sunday:
		return 0.06
	case t.Weekday() == time.Friday:
		return 0.86
	case t.Month() == time.August:
		return 0.80
	}
	return 1
}

// holiday knows the days on which most of the company is away.
func holiday(t time.Time) bool {
	switch d := t.Day(); t.Month() {
	case time.January:
		return d == 1
	case time.May:
		return d == 1
	case time.December:
		return d >= 24
	}
	return false
}

// between reads a table of hourly values at a fractional hour.
func between(table []float64, hour float64) float64 {
	i := int(hour)
	return table[i] + (table[i+1]-table[i])*(hour-float64(i))
}

// A purpose keeps the chances of a feature apart.
type purpose uint64

const (
	ofAssigned purpose = iota + 1
	ofLoad
	ofDay
	ofHour
	ofRefusal
	ofHabit
	ofStart
)

// smooth is noise that changes over a time of about period seconds.
func (f *Feature) smooth(what purpose, at, period int64) float64 {
	k := at / period
	a, b := f.noise(what, k), f.noise(what, k+1)
	return a + (b-a)*float64(at%period)/float64(period)
}

// noise returns a number in [-1, 1).
func (f *Feature) noise(what purpose, k int64) float64 {
	return float64(f.chance(what, k)>>11)/(1<<52) - 1
}

// chance returns a number that depends on nothing but the seed, the feature,
// the purpose and k.
func (f *Feature) chance(what purpose, k int64) uint64 {
	h := f.seed ^ uint64(what)*0xd6e8feb86659fd93 ^ uint64(k)*0x9e3779b97f4a7c15
	h ^= h >> 30 // splitmix64 (Steele, Lea, Flood 2014)
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

func word(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}
