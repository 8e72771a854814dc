package usage_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata" // the tests need zones wherever they run

	"headroom/internal/catalog"
	"headroom/internal/fault"
	"headroom/internal/hub/usage"
	"headroom/internal/license"
	"headroom/internal/series"
)

// estate is a store in memory with one organisation, number 1.
type estate struct {
	org     usage.Organisation
	servers []usage.Record
	pools   []usage.Pool
	blocks  map[int64]map[int32]block
	denials []usage.Denial // ascending by At
	past    []usage.ImportedDay
	read    atomic.Int64 // blocks that were read
	rosters map[int64]usage.Roster
	people  map[int64][]usage.Assignee
	sources map[int64][]usage.Source
	holders []usage.Holder
	said    catalog.Overrides
	catalog int64 // grows with every change of said
	uploads []usage.Upload
	gaps    []usage.Gap
}

func (e *estate) Overrides(context.Context, int64) (catalog.Overrides, error) { return e.said, nil }

func (e *estate) Holders(_ context.Context, _ int64, feature string) iter.Seq2[usage.Holder, error] {
	return func(yield func(usage.Holder, error) bool) {
		for _, h := range e.holders {
			i := slices.IndexFunc(e.pools, func(p usage.Pool) bool { return p.ID == h.Pool && p.Key.Feature == feature })
			if i >= 0 && !yield(h, nil) {
				return
			}
		}
	}
}

func (e *estate) Rosters(context.Context, int64) (map[int64]usage.Roster, error) {
	return e.rosters, nil
}

func (e *estate) Assignees(_ context.Context, _, server int64) ([]usage.Assignee, error) {
	return e.people[server], nil
}

func (e *estate) Sources(context.Context, int64) (map[int64][]usage.Source, error) {
	return e.sources, nil
}

func (e *estate) Uploads(context.Context, int64, int64, int) ([]usage.Upload, error) {
	return e.uploads, nil
}

func (e *estate) Gaps(context.Context, int64, int64, int) ([]usage.Gap, error) { return e.gaps, nil }

type block struct {
	version int64
	bytes   []byte
}

// now is when the tests ask: a Monday noon in Berlin.
var now = time.Date(2026, 6, 15, 10, 0, 0, 0, time.UTC)

func newEstate(t testing.TB) *estate {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return &estate{
		org:    usage.Organisation{ID: 1, Name: "Example", Zone: zone, Thresholds: usage.DefaultThresholds},
		blocks: make(map[int64]map[int32]block),
	}
}

func (e *estate) service() *usage.Service {
	return &usage.Service{Store: e, Now: func() time.Time { return now }}
}

// server adds a license server that reported an hour ago.
func (e *estate) server(name string) *usage.Record {
	id := int64(len(e.servers) + 1)
	r := usage.Record{Server: usage.Server{
		ID: id, GUID: "guid-" + name, Name: name, Registered: now.AddDate(-1, 0, 0), LastReported: now.Add(-time.Hour),
	}}
	e.servers = append(e.servers, r)
	e.blocks[id] = make(map[int32]block)
	return &e.servers[id-1]
}

// pool returns the number of a pool, which is made if need be.
func (e *estate) pool(server int64, feature string, at int64) series.PoolID {
	for i := range e.pools {
		if p := &e.pools[i]; p.Server == server && p.Key.Feature == feature {
			p.First = min(p.First, at)
			return p.ID
		}
	}
	id := series.PoolID(len(e.pools) + 1)
	e.pools = append(e.pools, usage.Pool{ID: id, Server: server, Key: license.Pool{Feature: feature}, Vendor: "acme", First: at})
	return id
}

// add merges days into those of a server.
func (e *estate) add(t testing.TB, server int64, days []series.Day) {
	t.Helper()
	r := &e.servers[server-1]
	r.Version++
	for _, d := range days {
		if old, ok := e.blocks[server][d.Number]; ok {
			was, err := series.Decode(old.bytes)
			if err != nil {
				t.Fatal(err)
			}
			d = series.Merge(was, d)
		}
		e.blocks[server][d.Number] = block{r.Version, series.Encode(d)}
	}
}

// reading adds one complete reading that holds for half an hour.
func (e *estate) reading(t testing.TB, r *usage.Record, at time.Time, values map[string]series.Sample) {
	t.Helper()
	e.round(t, r, series.Round{At: at.Unix(), Hold: 1800, Complete: true}, values)
}

func (e *estate) round(t testing.TB, r *usage.Record, round series.Round, values map[string]series.Sample) {
	t.Helper()
	var b series.Builder
	var samples []series.PoolSample
	for feature, s := range values {
		samples = append(samples, series.PoolSample{Pool: e.pool(r.ID, feature, round.At), Sample: s})
	}
	b.AddRound(round, samples)
	e.add(t, r.ID, b.Days())
	if at := time.Unix(round.At, 0).UTC(); at.After(e.servers[r.ID-1].LastReading) {
		e.servers[r.ID-1].LastReading = at
	}
}

// log adds a log that vouches for a feature over four days, if they are past.
func (e *estate) log(t testing.TB, r *usage.Record, feature string, from time.Time) {
	t.Helper()
	to := from.AddDate(0, 0, 4)
	if to.After(now) {
		return
	}
	var b series.Builder
	span := series.Span{From: from.Unix(), To: to.Unix(), Exact: true}
	if err := b.AddSpan(e.pool(r.ID, feature, span.From), span, 2, nil); err != nil {
		t.Fatal(err)
	}
	e.add(t, r.ID, b.Days())
	if to.After(e.servers[r.ID-1].LastReading) {
		e.servers[r.ID-1].LastReading = to
	}
}

// counted is a sample of a counted pool without overdraft.
func counted(inUse, installed int64) series.Sample {
	return series.Sample{State: license.StateCounted, InUse: license.Of(inUse), Installed: license.Of(installed), Overdraft: license.Of(0)}
}

func (e *estate) check(org int64) error {
	if org != e.org.ID {
		return fault.Errorf(fault.NotFound, "there is no organisation %d", org)
	}
	return nil
}

func (e *estate) Organisation(_ context.Context, org int64) (usage.Organisation, error) {
	return e.org, e.check(org)
}

func (e *estate) Servers(_ context.Context, org int64) ([]usage.Record, error) {
	return slices.Clone(e.servers), e.check(org)
}

func (e *estate) Pools(_ context.Context, org int64) ([]usage.Pool, error) {
	return slices.Clone(e.pools), e.check(org)
}

func (e *estate) Stamp(_ context.Context, org int64) (s usage.Stamp, err error) {
	for _, r := range e.servers {
		s.Servers++
		s.Revisions += r.Version
		s.Acknowledged += r.LastReported.Unix() + r.FailedAt.Unix() // the tests set them as they like
		s.Removed += r.Removed.Unix()
	}
	s.Catalog = e.catalog
	return s, e.check(org)
}

// Packs are not told apart here: a block is always an open one.
func (e *estate) PackNumber(_ context.Context, org int64) (int64, error) { return 0, e.check(org) }

func (e *estate) Heads(ctx context.Context, org int64, from, to int32, since usage.Mark) iter.Seq2[usage.Head, error] {
	return func(yield func(usage.Head, error) bool) {
		if err := e.check(org); err != nil {
			yield(usage.Head{}, err)
			return
		}
		for _, day := range e.days() {
			for _, r := range e.servers {
				b, ok := e.blocks[r.ID][day]
				if !ok || day < from || day >= to || b.version <= since.Servers[r.ID] {
					continue
				}
				head, _, err := series.Split(b.bytes)
				if !yield(usage.Head{Server: r.ID, Day: day, Version: b.version, Data: head}, err) || err != nil {
					return
				}
			}
		}
	}
}

// days lists the days of all servers.
func (e *estate) days() []int32 {
	all := make(map[int32]bool)
	for _, days := range e.blocks {
		for day := range days {
			all[day] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func (e *estate) Blocks(_ context.Context, org int64, day int32) iter.Seq2[usage.Block, error] {
	return func(yield func(usage.Block, error) bool) {
		if err := e.check(org); err != nil {
			yield(usage.Block{}, err)
			return
		}
		for _, r := range e.servers {
			b, ok := e.blocks[r.ID][day]
			if !ok {
				continue
			}
			e.read.Add(1)
			head, body, err := series.Split(b.bytes)
			if !yield(usage.Block{Server: r.ID, Version: b.version, Head: head, Body: body}, err) || err != nil {
				return
			}
		}
	}
}

func (e *estate) Block(_ context.Context, org, server int64, day int32) (usage.Block, error) {
	if err := e.check(org); err != nil {
		return usage.Block{}, err
	}
	b, ok := e.blocks[server][day]
	if !ok {
		return usage.Block{}, nil
	}
	e.read.Add(1)
	head, body, err := series.Split(b.bytes)
	return usage.Block{Server: server, Version: b.version, Head: head, Body: body}, err
}

func (e *estate) Denials(_ context.Context, org, from, to int64) iter.Seq2[usage.Denial, error] {
	return func(yield func(usage.Denial, error) bool) {
		if err := e.check(org); err != nil {
			yield(usage.Denial{}, err)
			return
		}
		for _, d := range e.denials {
			if from <= d.At && d.At < to && !yield(d, nil) {
				return
			}
		}
	}
}

func (e *estate) Imported(_ context.Context, org int64, from, to int32) iter.Seq2[usage.ImportedDay, error] {
	return func(yield func(usage.ImportedDay, error) bool) {
		if err := e.check(org); err != nil {
			yield(usage.ImportedDay{}, err)
			return
		}
		for _, d := range e.past {
			if from <= d.Day && d.Day < to && !yield(d, nil) {
				return
			}
		}
	}
}

func (e *estate) Snapshot(_ context.Context, f func(usage.Store) error) error { return f(e) }

func (e *estate) Standing(ctx context.Context, org int64) (usage.Organisation, usage.Stamp, error) {
	o, err := e.Organisation(ctx, org)
	if err != nil {
		return o, usage.Stamp{}, err
	}
	stamp, err := e.Stamp(ctx, org)
	return o, stamp, err
}
