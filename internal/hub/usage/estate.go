package usage

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/fault"
	"headroom/internal/series"
)

// An estate is what an answer is made of: the organisation as it was at the
// time of asking.
type estate struct {
	org      Organisation
	now      time.Time
	servers  []*server  // by name
	products []*product // by key; system features left out
}

// A server is a license server with its state and what is known of its days.
type server struct {
	Server
	version int64
	days    []DayVersion
	carries carries     // of these days
	upTo    int64       // instant of its newest record
	after   series.Kind // what follows it
	latest  map[series.PoolID]latest
}

// A latest is a pool's newest good values, however old.
type latest struct {
	series.Sample
	ok, gone bool
}

// A line is one pool of one server.
type line struct {
	server *server
	pool   Pool
}

// has says whether the server still has the pool, by its newest reading.
func (l line) has() bool { return !l.server.latest[l.pool.ID].gone }

// A product is a product and its pools on all servers, in the servers' order.
type product struct {
	catalog.Product
	lines []line
}

// estate reads what an organisation has.
func (s *Service) estate(ctx context.Context, org int64) (*estate, error) {
	e := &estate{now: s.Now()}
	var err error
	if e.org, err = s.Store.Organisation(ctx, org); err != nil {
		return nil, err
	}
	records, err := s.Store.Servers(ctx, org)
	if err != nil {
		return nil, err
	}
	pools, err := s.Store.Pools(ctx, org)
	if err != nil {
		return nil, err
	}
	byServer := make(map[int64][]Pool)
	for _, p := range pools {
		byServer[p.Server] = append(byServer[p.Server], p)
	}
	for _, r := range records {
		one, err := s.server(ctx, e, r, byServer[r.ID])
		if err != nil {
			return nil, err
		}
		e.servers = append(e.servers, one)
	}
	slices.SortFunc(e.servers, byName)
	e.products = s.products(e.servers, byServer)
	return e, nil
}

func byName(a, b *server) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.GUID, b.GUID))
}

// server reads one server's days and newest values, unless they are in memory.
func (s *Service) server(ctx context.Context, e *estate, r Record, pools []Pool) (*server, error) {
	one := &server{Server: stated(r, e.org.Thresholds, e.now), version: r.Version}
	one.after = one.Status.after()
	for _, t := range []time.Time{r.LastReading, r.FailedAt} {
		if !t.IsZero() {
			one.upTo = max(one.upTo, t.Unix())
		}
	}
	if s.memory.server(e.org.ID, one) {
		return one, nil
	}
	var err error
	if one.days, err = s.Store.DayVersions(ctx, e.org.ID, r.ID); err != nil {
		return nil, err
	}
	one.carries = make(carries, len(one.days))
	if one.latest, err = s.readLatest(ctx, e.org.ID, one, pools); err != nil {
		return nil, err
	}
	s.memory.keepServer(e.org.ID, one)
	return one, nil
}

// latestDays is how far back a pool's newest good value is looked for: at
// first in few days, then in more, counted in days with data.
var latestDays = [...]int{2, 31}

func (s *Service) readLatest(ctx context.Context, org int64, one *server, pools []Pool) (map[series.PoolID]latest, error) {
	out := make(map[series.PoolID]latest, len(pools))
	for _, n := range latestDays {
		known := one.days[max(0, len(one.days)-n):]
		if len(known) == 0 {
			return out, nil
		}
		days, err := s.readDays(ctx, org, one.ID, known[0].Day, known[len(known)-1].Day+1)
		if err != nil {
			return nil, err
		}
		complete := true
		for _, p := range pools {
			var l latest
			l.Sample, l.ok, l.gone = series.Latest(days, p.ID, series.DayStart(known[len(known)-1].Day+1))
			complete = complete && (l.ok || l.gone)
			out[p.ID] = l
		}
		if complete || len(known) == len(one.days) {
			return out, nil
		}
	}
	return out, nil
}

// readDays reads the days from <= Number < to of a server.
func (s *Service) readDays(ctx context.Context, org, server int64, from, to int32) ([]series.Day, error) {
	var days []series.Day
	for d, err := range s.Store.Days(ctx, org, server, from, to) {
		if err != nil {
			return nil, err
		}
		days = append(days, d)
	}
	return days, nil
}

// products groups the pools of the servers.
func (s *Service) products(servers []*server, pools map[int64][]Pool) []*product {
	productOf := s.Product
	if productOf == nil {
		productOf = catalog.Of
	}
	byKey := make(map[string]*product)
	var out []*product
	for _, one := range servers {
		only := onlyVendor(pools[one.ID])
		for _, p := range pools[one.ID] {
			what := productOf(cmp.Or(p.Vendor, p.Key.Daemon, only), p.Key.Feature)
			if what.System {
				continue
			}
			if byKey[what.Key] == nil {
				byKey[what.Key] = &product{Product: what}
				out = append(out, byKey[what.Key])
			}
			byKey[what.Key].lines = append(byKey[what.Key].lines, line{one, p})
		}
	}
	slices.SortFunc(out, func(a, b *product) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// onlyVendor returns the vendor daemon of a server that has just one; an idle
// feature whose status names no daemon is taken for its.
func onlyVendor(pools []Pool) string {
	only := ""
	for _, p := range pools {
		vendor := cmp.Or(p.Vendor, p.Key.Daemon)
		switch {
		case vendor == "" || strings.EqualFold(vendor, only):
		case only != "":
			return ""
		default:
			only = vendor
		}
	}
	return only
}

// product returns a product by its key.
func (e *estate) product(key string) (*product, error) {
	for _, p := range e.products {
		if p.Key == key {
			return p, nil
		}
	}
	return nil, fault.Errorf(fault.NotFound, "there is no product %q on any license server", key)
}

// first returns the instant of the first record of the lines; 0 if there are
// none.
func first(lines []line) int64 {
	out := int64(0)
	for i, l := range lines {
		if i == 0 || l.pool.First < out {
			out = l.pool.First
		}
	}
	return out
}

// perServer divides lines by their server; they come in the servers' order.
func perServer(lines []line) [][]line {
	var out [][]line
	for _, l := range lines {
		if n := len(out); n > 0 && out[n-1][0].server == l.server {
			out[n-1] = append(out[n-1], l)
			continue
		}
		out = append(out, []line{l})
	}
	return out
}
