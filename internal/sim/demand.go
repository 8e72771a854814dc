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

// use returns the licenses that people hold of a feature at t, reservations
// not counted.
func (s *Server) use(f *Feature, t time.Time) int64 {
	at := t.Unix() - t.Unix()%grid
	want := s.wanted(f, at)
	if !s.Restart.IsZero() && !t.Before(s.Restart) && t.Before(s.Restart.Add(reconnectTakes)) && f.Shape != Assigned {
		want *= float64(t.Sub(s.Restart)) / float64(reconnectTakes)
	}
	each := max(f.Each, 1)
	n := int64(math.Round(want/float64(each))) * each
	free := f.purchase(t).Installed - f.Reserved
	return max(min(n, free-free%each), 0)
}

// wanted is the demand at a grid instant, before limits.
func (s *Server) wanted(f *Feature, at int64) float64 {
	if f.Shape == System {
		return f.Demand
	}
	local := time.Unix(at, 0).In(s.Zone)
	day := int64(local.Year())*400 + int64(local.YearDay())
	growth := 1 - 0.2*float64(s.estate.Now.Unix()-at)/(395*86400)
	level := f.Demand * growth
	switch f.Shape {
	case Assigned:
		return level * (1 + 0.01*s.noise(f, "assigned", day))
	case Cluster:
		level *= 0.45 + 0.3*s.smooth(f, "load", at, 6*3600)
	default:
		hour := float64(local.Hour()) + float64(local.Minute())/60
		level *= between(office[:], hour) * dayFactor(local)
	}
	level *= 1 + 0.10*s.noise(f, "day", day) + 0.06*s.smooth(f, "hour", at, 1800)
	return level
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

// smooth is noise that changes over a time of about period seconds.
func (s *Server) smooth(f *Feature, what string, at, period int64) float64 {
	k := at / period
	a, b := s.noise(f, what, k), s.noise(f, what, k+1)
	return a + (b-a)*float64(at%period)/float64(period)
}

// noise returns a number in [-1, 1) that depends on nothing but the seed, the
// feature, the purpose and k.
func (s *Server) noise(f *Feature, what string, k int64) float64 {
	h := s.estate.Seed ^ f.id(s) ^ word(what) ^ uint64(k)*0x9e3779b97f4a7c15
	h ^= h >> 30 // splitmix64 (Steele, Lea, Flood 2014)
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	h ^= h >> 31
	return float64(h>>11)/(1<<52) - 1
}

func (f *Feature) id(s *Server) uint64 { return word(s.Name + "/" + f.Name) }

func word(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}
