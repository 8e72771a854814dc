package usage

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/fault"
	"headroom/internal/insight"
)

// An estate is what an answer is made of: the organisation as it was at the
// time of asking.
type estate struct {
	org      Organisation
	now      time.Time
	servers  []*server  // by name
	products []*product // by key; system features left out
	reader   reader
}

// A server is a license server with its state and what is known of its past.
type server struct {
	Server
	past *serverPast
}

// A line is one pool of one server.
type line struct {
	server *server
	pool   Pool
	track  *insight.Track
}

// has says whether the server still has the pool, by its newest reading.
func (l line) has() bool { return !l.latest().gone }

// latest returns the pool's newest good values.
func (l line) latest() latest { return l.server.past.latest[l.pool.ID] }

// A product is a product and its pools on all servers, in the servers' order.
type product struct {
	catalog.Product
	lines []line
}

// askAgain is how often a question is asked again because the history changed
// while it was answered.
const askAgain = 4

// ask calls f with an organisation's estate as it is now. It may be called again
// from the start: it must not keep anything from a run that failed.
func (s *Service) ask(ctx context.Context, org int64, f func(*estate) error) error {
	for range askAgain {
		e, done, err := s.estate(ctx, org)
		if err != nil {
			return err
		}
		err = f(e)
		done()
		if !errors.Is(err, errMoved) {
			return err
		}
	}
	return &fault.Error{Kind: fault.Unavailable, After: time.Second, Msg: "the history changes faster than it can be read; ask again"}
}

// estate returns what an organisation has. Nothing of it changes until done is
// called.
func (s *Service) estate(ctx context.Context, org int64) (e *estate, done func(), err error) {
	p := s.memory.past(org)
	e = &estate{now: s.Now(), reader: reader{past: p, ctx: ctx, service: s, org: org}}
	p.sync.Lock()
	y := syncer{past: p, ctx: ctx, e: e, pools: make(map[int64][]Pool)}
	err = s.Store.Snapshot(ctx, func(store Store) error {
		y.store = store
		if err := y.read(org); err != nil {
			return err
		}
		return y.run()
	})
	if err == nil {
		p.lock.RLock()
	}
	p.sync.Unlock()
	if err != nil {
		return nil, nil, err
	}
	s.memory.shrink(s.Memory)
	for _, r := range y.records {
		e.servers = append(e.servers, &server{Server: stated(r, e.org.Thresholds, e.now), past: p.servers[r.ID]})
	}
	slices.SortFunc(e.servers, byName)
	e.products = s.products(e.servers, y.pools)
	return e, p.lock.RUnlock, nil
}

// read reads what an organisation consists of.
func (y *syncer) read(org int64) (err error) {
	if y.e.org, err = y.store.Organisation(y.ctx, org); err != nil {
		return err
	}
	if y.pack, err = y.store.PackNumber(y.ctx, org); err != nil {
		return err
	}
	if y.records, err = y.store.Servers(y.ctx, org); err != nil {
		return err
	}
	pools, err := y.store.Pools(y.ctx, org)
	for _, p := range pools {
		y.pools[p.Server] = append(y.pools[p.Server], p)
	}
	return err
}

func byName(a, b *server) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.GUID, b.GUID))
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
			byKey[what.Key].lines = append(byKey[what.Key].lines, line{one, p, one.past.track(p.ID)})
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
