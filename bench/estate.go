package main

import (
	"fmt"
	"iter"
	"math"
	"math/bits"
	"time"

	"github.com/google/uuid"

	"headroom/internal/license"
	"headroom/internal/series"
)

// The use of every pool has this daemon, and each pool is a product.
const daemon = "acme"

// firstDay is the first day of every estate, a Monday. The hub's clock is told
// and not the machine's: the same seed gives the same estate in every year.
const firstDay = 19723 // 2024-01-01, days since 1970-01-01

// An estate is a company's license servers. It keeps nothing: every figure
// follows from the seed, the server and the day, in whatever order they are
// asked.
type estate struct {
	Seed    uint64
	Servers int
	Pools   int // of each server
	Days    int
	Samples int // a day, each of all pools at once
}

// A day is what one license server had in one UTC day.
type day struct {
	Server int
	Number int32   // days since 1970-01-01
	At     []int64 // ascending; the samples are at instants of the server's own
	Use    [][]int64
}

// interval returns the seconds between two readings, about.
func (e *estate) interval() int64 { return series.DaySeconds / int64(e.Samples) }

// hold returns for how long the hub lets a reading hold.
func (e *estate) hold() int64 {
	return min(max(2*e.interval(), 30*60), series.MaxHold)
}

// begin and end return the estate's span, whole days.
func (e *estate) begin() int64 { return series.DayStart(firstDay) }
func (e *estate) end() int64   { return series.DayStart(firstDay + int32(e.Days)) }

// check says what makes no estate.
func (e *estate) check() error {
	if e.Servers < 1 || e.Pools < 1 || e.Days < 1 || e.Samples < 1 || e.Samples > 1440 {
		return fmt.Errorf("%d servers x %d pools x %d days x %d samples: each is at least 1, and samples at most 1440", e.Servers, e.Pools, e.Days, e.Samples)
	}
	return nil
}

// points returns how many values an estate without a loss would have.
func (e *estate) points() int64 {
	return int64(e.Servers) * int64(e.Pools) * int64(e.Days) * int64(e.Samples)
}

// guid returns the GUID by which the hub knows a license server.
func (e *estate) guid(server int) string {
	var b [16]byte
	for i := range 2 {
		h := e.hash(forGUID, uint64(server), uint64(i))
		for k := range 8 {
			b[8*i+k] = byte(h >> (8 * k))
		}
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return uuid.UUID(b).String()
}

// host returns the name of a license server.
func host(server int) string { return fmt.Sprintf("license-%05d.example.com", server) }

// feature returns the name of a pool.
func feature(pool int) string { return fmt.Sprintf("product-%d", pool) }

// product returns the key of the product that a pool is.
func product(pool int) string { return daemon + "." + feature(pool) }

// What a hash is for, so that no two figures hang together.
const (
	forGUID uint64 = iota + 1
	forKey
	forSite
	forPhase
	forSize
	forGrowth
	forUpgrade
	forMissing
	forLost
	forJitter
	forMood
	forAnchor
	forWalk
	forChoice
	forClick
)

// mix is the finish of splitmix64 (Steele, Lea, Flood 2014).
func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

// hash returns 64 bits that depend on the seed and these numbers alone.
func (e *estate) hash(numbers ...uint64) uint64 {
	h := mix(e.Seed + 0x9e3779b97f4a7c15)
	for _, n := range numbers {
		h = mix(h ^ (n+1)*0x9e3779b97f4a7c15)
	}
	return h
}

// share returns a number in [0, 1) that depends on the seed and these numbers.
func (e *estate) share(numbers ...uint64) float64 { return float64(e.hash(numbers...)>>11) / (1 << 53) }

// A site is where a license server stands and how people work there.
type site struct {
	zone   int64   // seconds east of UTC
	start  float64 // local hour at which half of the people have come
	length float64 // hours until half of them have left
	night  float64 // share of the busiest hour that stays
}

var zones = [...]float64{-8, -6, -5, -5, 0, 0, 1, 1, 1, 1, 2, 5.5, 8}

func (e *estate) site(server int) site {
	s := uint64(server)
	return site{
		zone:   int64(3600 * zones[e.hash(forSite, s, 0)%uint64(len(zones))]),
		start:  7 + 2.5*e.share(forSite, s, 1),
		length: 8 + 3*e.share(forSite, s, 2),
		night:  0.02 + 0.08*e.share(forSite, s, 3),
	}
}

// A pool is one pool of a license server.
type pool struct {
	level     float64 // in use in the busiest hour of the first day
	growth    float64 // a day, as a share of level
	installed int64
	more      int64         // installed from the day upgrade on
	upgrade   int           // of the estate, from 0; Days: never
	overdraft license.Count // part of installed, where the server tells it
}

// sizes are what pools need, before a server's own size.
var sizes = [...]float64{60, 24, 100, 12, 40, 6}

func (e *estate) pool(server, number int) pool {
	s, n := uint64(server), uint64(number)
	p := pool{
		level:   sizes[number%len(sizes)] * (0.5 + e.share(forSize, s)) * (0.7 + 0.6*e.share(forSize, s, n)),
		growth:  0.4 / 400 * (e.share(forGrowth, s, n) + 0.2),
		upgrade: e.Days,
	}
	p.installed = int64(math.Ceil(1.15*p.level)) + 1
	p.more = p.installed
	if e.hash(forUpgrade, s)%4 == 0 {
		p.upgrade = int(e.hash(forUpgrade, s, 1) % uint64(e.Days))
		p.more += 1 + p.installed/4
	}
	if e.hash(forUpgrade, s, 2)%3 == 0 {
		p.overdraft = license.Of(p.installed / 10)
	}
	return p
}

// installedOn returns what a pool has on a day of the estate, from 0.
func (p *pool) installedOn(d int) int64 {
	if d >= p.upgrade {
		return p.more
	}
	return p.installed
}

// want returns how much of a pool people would use at an instant, before they
// come and go one by one.
func (e *estate) want(p *pool, s *site, mood float64, at int64) float64 {
	local := at + s.zone
	hour := float64(local%series.DaySeconds) / 3600
	busy := sigmoid(2*(hour-s.start)) - sigmoid(2*(hour-s.start-s.length))
	lunch := (hour - s.start - s.length/2) * 1.5
	busy *= 1 - 0.15*math.Exp(-lunch*lunch)
	switch (local/series.DaySeconds + 4) % 7 { // 1970-01-01 was a Thursday
	case 6:
		busy *= 0.10
	case 0:
		busy *= 0.06
	}
	grown := 1 + p.growth*float64(at-e.begin())/series.DaySeconds
	return p.level * grown * mood * (s.night + (1-s.night)*busy)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// days returns the days of a license server from <= day < to, counted from the
// estate's first. Days on which it was not read are left out. The day that is
// handed out is good until the next one.
func (e *estate) days(server, from, to int) iter.Seq[*day] {
	return func(yield func(*day) bool) {
		var d day
		for n := from; n < to; n++ {
			if e.fill(&d, server, n) && !yield(&d) {
				return
			}
		}
	}
}

// fill makes a day of a license server; it is false for one without readings.
func (e *estate) fill(d *day, server, n int) bool {
	if e.hash(forMissing, uint64(server), uint64(n))%100 == 0 {
		return false
	}
	d.Server, d.Number = server, firstDay+int32(n)
	e.instants(d, n)
	if len(d.Use) != e.Pools {
		d.Use = make([][]int64, e.Pools)
	}
	site := e.site(server)
	for i := range d.Use {
		d.Use[i] = e.use(d.Use[i][:0], d, &site, i, n)
	}
	return len(d.At) > 0
}

// instants makes the instants of a day: each server has a phase of its own and
// is never quite on time, and now and then a reading is lost.
func (e *estate) instants(d *day, n int) {
	step := e.interval()
	late := min(40, step/8) // at most, either way
	phase := late + int64(e.hash(forPhase, uint64(d.Server))%uint64(max(1, step-2*late)))
	d.At = d.At[:0]
	for i := range e.Samples {
		h := e.hash(forJitter, uint64(d.Server), uint64(n), uint64(i))
		if h>>32%256 == 0 { // lost
			continue
		}
		d.At = append(d.At, series.DayStart(d.Number)+int64(i)*step+phase+int64(h%uint64(2*late+1))-late)
	}
}

// use appends the values of one pool at a day's instants. The day begins near
// what is wanted then, wherever the day before ended. From there people come
// and go: as many as a random word has bits set in one part and in another,
// and a pull towards what is wanted.
func (e *estate) use(to []int64, d *day, s *site, number, n int) []int64 {
	const (
		pull  = 0.12 // of what is missing, per reading
		comes = 0.06 // people that come or go for no reason of the hour, per reading
	)
	p := e.pool(d.Server, number)
	id := []uint64{uint64(d.Server), uint64(number), uint64(n)}
	limit := p.installedOn(n)
	mood := 0.9 + 0.2*e.share(forMood, id[0], id[1], id[2])
	walk := e.hash(forWalk, id[0], id[1], id[2])
	var x int64
	var wanted float64
	for i, at := range d.At {
		was := wanted
		wanted = e.want(&p, s, mood, at)
		if i == 0 {
			x = int64(wanted*(0.95+0.1*e.share(forAnchor, id[0], id[1], id[2])) + 0.5)
		} else {
			walk += 0x9e3779b97f4a7c15
			r := mix(walk)
			people := min(24, int(2*comes*float64(x)+0.5)) // of whom half come and half go, on average
			mask := uint64(1)<<people - 1
			x += int64(bits.OnesCount64(r&mask) - bits.OnesCount64(r>>24&mask))
			drift := wanted - was + pull*(was-float64(x))
			x += int64(math.Floor(drift + float64(r>>48)/(1<<16)))
		}
		x = min(max(x, 0), limit)
		to = append(to, x)
	}
	return to
}

// clock is an instant as the hub tells time.
func clock(at int64) time.Time { return time.Unix(at, 0).UTC() }
