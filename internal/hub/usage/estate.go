package usage

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
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
	until    time.Time          // the last instant at which the servers' states still hold; zero: for ever
	servers  []*server          // by name
	byGUID   map[string]*server // the same
	products []*product         // by key; system features left out
	reader   reader
}

// A server is a license server with its state and what is known of its past.
type server struct {
	Server
	record Record
	place  int // among the servers of the estate
	past   *serverPast
}

// A line is one pool of one server.
type line struct {
	server *server
	pool   Pool
	track  *insight.Track // nil if nobody has asked for the product
	shared string         // the product of Pool.SharedWith
	with   *server        // where the licenses count that this server reports too; nil: here (entitled)
}

// sharedWith returns the product with which the pool's licenses are one
// purchase, by its newest reading; empty where they are its own.
func (l *line) sharedWith() string {
	if l.pool.SharedWith == "" || l.pool.SharedAt < l.latest().At {
		return ""
	}
	return l.shared
}

// has says whether the server still has the pool, by its newest reading.
func (l *line) has() bool { return !l.latest().gone }

// latest returns the pool's newest good values.
func (l *line) latest() latest { return l.server.past.latest[l.pool.ID] }

// A product is a product and its pools on all servers, in the servers' order.
type product struct {
	catalog.Product
	lines []*line
}

// A subject says which products a question is about, by their keys. Of others it
// gets no tracks.
type subject func(key string) bool

func everything(string) bool { return true }

func about(key string) subject { return func(k string) bool { return k == key } }

// askAgain is how often a question is asked again because the history changed
// while it was answered.
const askAgain = 4

// ask calls f with an organisation's estate as it is now. It may be called again
// from the start: it must not keep anything from a run that failed.
func (s *Service) ask(ctx context.Context, org int64, what subject, f func(*estate) error) error {
	for range askAgain - 1 {
		e, done, err := s.estate(ctx, org, what)
		if err != nil {
			return err
		}
		err = f(e)
		done()
		if !errors.Is(err, errMoved) {
			return err
		}
	}
	return s.askAtOnce(ctx, org, what, f)
}

// askAtOnce calls f with an organisation's estate in one state of the store, which
// holds still for it however fast the history changes. Nobody else's question
// about the organisation begins meanwhile: so it is the last resort.
func (s *Service) askAtOnce(ctx context.Context, org int64, what subject, f func(*estate) error) error {
	p := s.memory.past(org, s.Memory)
	p.sync.Lock()
	defer p.sync.Unlock()
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTime) // as refresh does
	defer cancel()
	err := s.Store.Snapshot(whole, func(store Store) error {
		e := &estate{now: s.Now(), reader: reader{past: p, ctx: ctx, service: s, org: org, store: store, turn: new(sync.Mutex)}}
		var err error
		if e.org, err = store.Organisation(ctx, org); err != nil {
			return err
		}
		p.lock.Lock()
		err = p.refresh(whole, store, e, what)
		p.lock.Unlock()
		if err != nil {
			return err
		}
		s.memory.shrink(s.Memory)
		p.lock.RLock()
		defer p.lock.RUnlock()
		return f(e)
	})
	if errors.Is(err, errMoved) {
		return &fault.Error{Kind: fault.Unavailable, After: time.Second, Msg: "the history changed while it was read; ask again"}
	}
	return err
}

// recordsHold is for how long what was read of servers is good while nothing
// has changed: their names and last contact are not part of the stamp.
const recordsHold = time.Minute

// shrinkEvery is how many questions that found nothing new are asked until what
// is held is counted again: each of them adds little.
const shrinkEvery = 8

// estate returns what an organisation has. Nothing of it changes until done is
// called.
func (s *Service) estate(ctx context.Context, org int64, what subject) (e *estate, done func(), err error) {
	p := s.memory.past(org, s.Memory)
	e = &estate{now: s.Now(), reader: reader{past: p, ctx: ctx, service: s, org: org, store: s.Store}}
	p.sync.Lock()
	defer p.sync.Unlock()
	var stamp Stamp
	e.org, stamp, err = s.Store.Standing(ctx, org)
	if err != nil {
		return nil, nil, err
	}
	if stamp == p.stamp && p.stands(e) && p.covers(what) {
		fresh := *p.estate
		fresh.org, fresh.now, fresh.reader = e.org, e.now, e.reader
		if s.memory.asked.Add(1)%shrinkEvery == 0 {
			s.memory.shrink(s.Memory)
		}
		p.lock.RLock()
		return &fresh, p.lock.RUnlock, nil
	}
	if err := s.refresh(ctx, p, e, what); err != nil {
		return nil, nil, err
	}
	s.memory.shrink(s.Memory)
	p.lock.RLock()
	return e, p.lock.RUnlock, nil
}

// refreshTime is how long it may take to bring a past up to date.
const refreshTime = 5 * time.Minute

// refresh brings a past up to date, in one state of the store. It waits for the
// answers that are under way first: they may need the store to end. It is
// finished for all who ask, and so does not end with the one who asked first.
func (s *Service) refresh(ctx context.Context, p *past, e *estate, what subject) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTime)
	defer cancel()
	p.lock.Lock()
	defer p.lock.Unlock()
	return s.Store.Snapshot(ctx, func(store Store) error {
		return p.refresh(ctx, store, e, what)
	})
}

// stands says whether the estate that was made last is good for another time of
// asking: no server's status has changed with it.
func (p *past) stands(now *estate) bool {
	e := p.estate
	if e == nil || e.org.Thresholds != now.org.Thresholds {
		return false
	}
	age := now.now.Sub(p.read)
	return age >= 0 && age <= recordsHold && (e.until.IsZero() || !now.now.After(e.until))
}

// covers says whether the estate that was made last has all tracks of a subject.
func (p *past) covers(what subject) bool {
	return !slices.ContainsFunc(p.estate.products, func(o *product) bool { return what(o.Key) && !p.asked[o.Key] })
}

// refresh reads what an organisation consists of, brings the past up to it, in
// one state of the store, and makes the estate of it.
func (p *past) refresh(ctx context.Context, store Store, e *estate, what subject) (err error) {
	org, s := e.org.ID, e.reader.service
	y := syncer{past: p, ctx: ctx, store: store, memory: &s.memory, e: e}
	stamp, err := store.Stamp(ctx, org)
	if err != nil {
		return err
	}
	if y.pack, err = store.PackNumber(ctx, org); err != nil {
		return err
	}
	if p.records, err = store.Servers(ctx, org); err != nil {
		return err
	}
	pools, err := store.Pools(ctx, org)
	if err != nil {
		return err
	}
	p.pools = make(map[int64][]Pool)
	for _, pool := range pools {
		p.pools[pool.Server] = append(p.pools[pool.Server], pool)
	}
	if err := p.follow(ctx, store, org, &s.memory); err != nil {
		return err
	}
	p.estate = nil
	e.list(p.records)
	e.products = s.products(e.servers, p.pools, p.overrides)
	y.wanted = p.want(e.products, what)
	if err := y.run(); err != nil {
		return err
	}
	p.echoes.follow(p.servers)
	e.bind(p)
	p.estate, p.stamp, p.read = e, stamp, e.now
	return nil
}

// follow reads what an organisation says of the catalog. Where that has changed, what
// was computed of products is about others now.
func (p *past) follow(ctx context.Context, store Store, org int64, m *memory) error {
	said, err := store.Overrides(ctx, org)
	if err != nil {
		return err
	}
	if !maps.Equal(said, p.overrides) {
		p.changes.now = m.change()
		p.changes.all = p.changes.now
	}
	p.overrides = said
	return nil
}

// list makes the servers of an estate.
func (e *estate) list(records []Record) {
	e.byGUID = make(map[string]*server, len(records))
	for _, r := range records {
		s := &server{Server: stated(r, e.org.Thresholds, e.now), record: r}
		if until := holdsUntil(s.Server, r, e.org.Thresholds); e.until.IsZero() || !until.IsZero() && until.Before(e.until) {
			e.until = until
		}
		e.servers = append(e.servers, s)
		e.byGUID[s.GUID] = s
	}
	slices.SortFunc(e.servers, byName)
	for i, s := range e.servers {
		s.place = i
	}
}

// want notes the products of a subject as asked for, and returns the pools of all
// that are, by server.
func (p *past) want(products []*product, what subject) map[int64][]Pool {
	asked, pools := make(map[string]bool), make(map[int64][]Pool)
	for _, o := range products {
		if !p.asked[o.Key] && !what(o.Key) {
			continue
		}
		asked[o.Key] = true
		for _, l := range o.lines {
			pools[l.pool.Server] = append(pools[l.pool.Server], l.pool)
		}
	}
	for _, of := range pools {
		slices.SortFunc(of, func(a, b Pool) int { return cmp.Compare(a.ID, b.ID) })
	}
	p.asked = asked
	return pools
}

// bind gives the servers and lines of an estate what the past has of them.
func (e *estate) bind(p *past) {
	for _, s := range e.servers {
		s.past = p.servers[s.record.ID]
	}
	for _, o := range e.products {
		for _, l := range o.lines {
			l.track = l.server.past.track(l.pool.ID)
		}
		o.lines = entitled(p, o.lines)
	}
}

func byName(a, b *server) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.GUID, b.GUID))
}

// productOf returns the product of a feature that a vendor daemon of a license
// server serves; no daemon if none is known.
func (s *Service) productOf(on Server, daemon, feature string) catalog.Product {
	if s.Product != nil {
		return s.Product(daemon, feature)
	}
	return catalog.Served(on.Manager, daemon, feature)
}

// products groups the pools of the servers, by the word of their organisation.
func (s *Service) products(servers []*server, pools map[int64][]Pool, said catalog.Overrides) []*product {
	byKey := make(map[string]*product)
	var out []*product
	for _, one := range servers {
		only := onlyVendor(pools[one.ID])
		for _, p := range pools[one.ID] {
			what := s.productOf(one.Server, cmp.Or(p.Vendor, p.Key.Daemon, only), p.Key.Feature)
			if what.System {
				continue
			}
			daemon := what.Daemon
			what = said.Of(what)
			if byKey[what.Key] == nil {
				byKey[what.Key] = &product{Product: what}
				out = append(out, byKey[what.Key])
			}
			l := &line{server: one, pool: p}
			if p.SharedWith != "" {
				l.shared = said.Of(s.productOf(one.Server, daemon, p.SharedWith)).Name
			}
			byKey[what.Key].lines = append(byKey[what.Key].lines, l)
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
func first(lines []*line) int64 {
	out := int64(0)
	for i, l := range lines {
		if i == 0 || l.pool.First < out {
			out = l.pool.First
		}
	}
	return out
}

// perServer divides lines by their server; they come in the servers' order.
func perServer(lines []*line) [][]*line {
	var out [][]*line
	for _, l := range lines {
		if n := len(out); n > 0 && out[n-1][0].server == l.server {
			out[n-1] = append(out[n-1], l)
			continue
		}
		out = append(out, []*line{l})
	}
	return out
}
