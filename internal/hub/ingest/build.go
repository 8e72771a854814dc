package ingest

import (
	"time"

	"headroom/internal/license"
	"headroom/internal/series"
	"headroom/internal/wire"
)

const (
	minHold = 30 * 60        // seconds for which a reading holds at least
	maxHold = series.MaxHold // and at most
	tooFar  = 5 * 60 * 1000  // milliseconds beyond which an agent's clock is corrected
)

// A builder turns records into a Batch.
type builder struct {
	checker
	batch  *Batch
	pools  map[license.Pool]int // to the place in batch.Pools
	days   series.Builder
	seen   map[int32]bool // the days that were touched
	values int64
}

// build believes a batch or says why not.
func build(content *wire.Batch, now time.Time) (*Batch, error) {
	h := content.Header
	b := &builder{
		checker: checker{limit: now.Add(future).Unix()},
		batch: &Batch{
			ID: ID{Epoch: h.Epoch, Seq: h.Seq}, Server: h.Server,
			Records: len(content.Records), Unknown: content.Unknown,
		},
		pools: make(map[license.Pool]int),
		seen:  make(map[int32]bool),
	}
	b.gone(h.Replaces)
	for _, line := range content.Records {
		b.line = line.Number
		if err := b.add(line.Record); err != nil {
			return nil, err
		}
	}
	b.batch.Days, b.batch.Values = b.days.Days(), int(b.values)
	return b.batch, nil
}

func (b *builder) add(r wire.Record) error {
	switch r := r.(type) {
	case *wire.ServerRecord:
		return b.server(r)
	case *wire.Samples:
		return b.samples(r)
	case *wire.Events:
		return b.events(r)
	case *wire.Maxima:
		return b.maxima(r)
	case *wire.Failed:
		return b.failed(r)
	case *wire.Holders:
		return b.holders(r)
	case *wire.Denial:
		return b.denial(r)
	case *wire.Gap:
		return b.gap(r)
	case *wire.Assignments:
		return b.assignments(r)
	case *wire.Sources:
		return b.sources(r)
	}
	b.batch.Unknown++ // the wire knows it and this hub does not use it yet
	b.batch.Records--
	return nil
}

// pool returns the place of a pool that was told at an instant. The first
// and last of them, and the vendor told last, do not depend on the order.
func (b *builder) pool(k wire.PoolKey, vendor string, first, last int64) int {
	key := license.Pool(k)
	i, ok := b.pools[key]
	if !ok {
		i = len(b.batch.Pools)
		b.pools[key] = i
		b.batch.Pools = append(b.batch.Pools, Pool{Key: key})
	}
	p := &b.batch.Pools[i]
	if first != 0 && (p.First == 0 || first < p.First) {
		p.First = first
	}
	if vendor != "" && (last > p.VendorAt || last == p.VendorAt && vendor > p.Vendor) {
		p.Vendor, p.VendorAt = vendor, last
	}
	return i
}

// shared notes that a pool's licenses were another's at an instant.
func (b *builder) shared(place int, with string, at int64) {
	p := &b.batch.Pools[place]
	if with != "" && (at > p.SharedAt || at == p.SharedAt && with > p.SharedWith) {
		p.SharedWith, p.SharedAt = with, at
	}
}

// touch counts what a record costs the store: the days of its instants, and
// its values.
func (b *builder) touch(at []int64, values int64) error {
	if b.values += values; b.values > wire.MaxPoints {
		return b.tooLarge("more than %d values in the batch", wire.MaxPoints)
	}
	for _, t := range at {
		b.seen[series.DayOf(t)] = true
	}
	if len(b.seen) > wire.MaxDays {
		return b.tooLarge("more than %d days in the batch", wire.MaxDays)
	}
	return nil
}

// clock returns by how many seconds the agent's own stamps are shifted, and
// keeps the newest offset for the server's page.
func (b *builder) clock(own bool, at, offsetMS int64) (shift int64, err error) {
	if err := b.offset(offsetMS); err != nil {
		return 0, err
	}
	if own && (offsetMS > tooFar || offsetMS < -tooFar) {
		shift = offsetMS / 1000
	}
	if at += shift; at >= b.batch.Offset.At && offsetMS != 0 {
		b.batch.Offset = Offset{At: at, MS: offsetMS}
	}
	return shift, nil
}

func (b *builder) server(r *wire.ServerRecord) error {
	b.about(b.line, wire.KindServer, wire.PoolKey{})
	if r.GUID != b.batch.Server {
		return b.no("it is about %.70q; a batch holds the records of one server", r.GUID)
	}
	if err := b.instant("the instant", r.At); err != nil {
		return err
	}
	if err := b.texts(append(r.Hosts, r.Name, r.HostID, r.Manager, r.Version)...); err != nil {
		return err
	}
	if len(r.Hosts) > 100 || r.Port < 0 || r.Port > 65535 {
		return b.no("%d hosts, port %d", len(r.Hosts), r.Port)
	}
	if err := b.names(r); err != nil {
		return err
	}
	if b.batch.Info == nil || r.At >= b.batch.Info.At {
		b.batch.Info = &Info{At: r.At, Server: license.Server{
			GUID: r.GUID, Name: r.Name, Hosts: r.Hosts, Port: r.Port, HostID: r.HostID, Manager: r.Manager, Version: r.Version,
		}}
	}
	return nil
}

// names believes how names leave. A time that cannot be is no reason to refuse
// what the server is: it was so at the record's.
func (b *builder) names(r *wire.ServerRecord) error {
	if r.Names == nil {
		return nil
	}
	n := Names{Since: r.Names.Since, Mode: r.Names.Mode, Key: r.Names.Key}
	if err := b.texts(n.Mode, n.Key); err != nil {
		return err
	}
	if b.instant("since", n.Since) != nil {
		n.Since = r.At
	}
	b.batch.Names = append(b.batch.Names, n)
	return nil
}

func (b *builder) samples(r *wire.Samples) error {
	b.about(b.line, wire.KindSamples, wire.PoolKey{})
	n := len(r.At)
	if n == 0 {
		return b.no("no instant; look at the reader's output")
	}
	if r.Interval < 0 {
		return b.no("an interval of %d seconds", r.Interval)
	}
	shift, err := b.clock(r.Own, r.At[n-1], r.OffsetMS)
	if err != nil {
		return err
	}
	at := shifted(r.At, shift)
	if err := b.ascending(at); err != nil {
		return err
	}
	if err := b.touch(at, int64(n)*int64(max(1, len(r.Pools)))); err != nil {
		return err
	}
	places, err := b.sampledPools(r, at)
	if err != nil {
		return err
	}
	hold := min(max(2*min(r.Interval, maxHold), minHold), maxHold)
	rounds := make([]series.Round, n)
	for i, t := range at {
		rounds[i] = series.Round{At: t, Hold: hold, Complete: r.Complete, Imported: r.Imported}
	}
	pools := make([]series.PoolRun, len(r.Pools))
	for j := range r.Pools {
		pools[j] = series.PoolRun{Pool: series.PoolID(places[j]), Samples: samplesOf(&r.Pools[j], n)}
	}
	b.days.AddRun(rounds, pools)
	if !r.Imported {
		b.batch.Reading = max(b.batch.Reading, at[n-1])
	}
	return nil
}

// sampledPools checks a run's pools and returns the place of each.
func (b *builder) sampledPools(r *wire.Samples, at []int64) ([]int, error) {
	places := make([]int, len(r.Pools))
	named := make(map[int]bool, len(r.Pools))
	for j := range r.Pools {
		p := &r.Pools[j]
		b.about(b.line, wire.KindSamples, p.PoolKey)
		if err := b.sampled(p, len(at)); err != nil {
			return nil, err
		}
		places[j] = b.pool(p.PoolKey, p.Vendor, at[0], at[len(at)-1])
		b.shared(places[j], p.SharedWith, at[len(at)-1])
		if named[places[j]] {
			return nil, b.no("the pool is named twice in one reading; its rows are to be added")
		}
		named[places[j]] = true
	}
	return places, nil
}

// samplesOf returns a pool's values at the n instants of a run.
func samplesOf(p *wire.SampledPool, n int) []series.Sample {
	samples := make([]series.Sample, n)
	state := license.ParseState(p.State)
	for i := range samples {
		samples[i] = series.Sample{
			State:     state,
			InUse:     wire.At(p.InUse, i),
			Installed: wire.At(p.Installed, i),
			Reserved:  wire.At(p.Reserved, i),
			Borrowed:  wire.At(p.Borrowed, i),
			Queued:    wire.At(p.Queued, i),
			Overdraft: wire.At(p.Overdraft, i),
		}
	}
	return samples
}

func shifted(at []int64, shift int64) []int64 {
	if shift == 0 {
		return at
	}
	out := make([]int64, len(at))
	for i, t := range at {
		out[i] = t + shift
	}
	return out
}

// events believes a span of a log. Its stamps are the source's own: they are
// never shifted.
func (b *builder) events(r *wire.Events) error {
	b.about(b.line, wire.KindEvents, r.PoolKey)
	if err := b.span(r); err != nil {
		return err
	}
	if _, err := b.clock(false, r.To, r.OffsetMS); err != nil {
		return err
	}
	first, last := series.DayOf(r.From), series.DayOf(r.To-1)
	if int(last-first) >= wire.MaxDays {
		return b.tooLarge("more than %d days in one record", wire.MaxDays)
	}
	var days []int64
	for day := first; day <= last; day++ {
		days = append(days, series.DayStart(day))
	}
	if err := b.touch(days, int64(len(days)+len(r.At))); err != nil {
		return err
	}
	steps := make([]series.Step, len(r.At))
	for i, t := range r.At {
		steps[i] = series.Step{At: t, InUse: r.InUse[i], High: r.InUse[i]}
		if len(r.High) > 0 {
			steps[i].High = r.High[i]
		}
	}
	place := b.pool(r.PoolKey, r.Vendor, r.From, r.To)
	span := series.Span{From: r.From, To: r.To, Exact: r.Exact, Imported: r.Imported}
	if err := b.days.AddSpan(series.PoolID(place), span, r.Start, steps); err != nil {
		return b.no("%v", err)
	}
	if !r.Imported {
		b.batch.Reading = max(b.batch.Reading, r.To)
	}
	return nil
}

// maxima believes the highest use of times, as a source tells it. Each counts
// once for every day that it touches: so it is kept.
func (b *builder) maxima(r *wire.Maxima) error {
	b.about(b.line, wire.KindMaxima, r.PoolKey)
	if err := b.highest(r); err != nil {
		return err
	}
	first, last := r.From[0], r.To[len(r.To)-1]
	if _, err := b.clock(false, last, r.OffsetMS); err != nil {
		return err
	}
	var days []int64
	values := int64(0)
	for i, from := range r.From {
		for day := series.DayOf(from); day <= series.DayOf(r.To[i]-1); day++ {
			values++
			if start := series.DayStart(day); len(days) == 0 || days[len(days)-1] != start {
				days = append(days, start)
			}
		}
	}
	if err := b.touch(days, values); err != nil {
		return err
	}
	place := series.PoolID(b.pool(r.PoolKey, r.Vendor, first, last))
	for i, from := range r.From {
		m := series.Maximum{From: from, To: r.To[i], InUse: r.InUse[i], Whole: true, Imported: r.Imported}
		if err := b.days.AddMaximum(place, m); err != nil {
			return b.no("%v", err)
		}
	}
	if !r.Imported {
		b.batch.Reading = max(b.batch.Reading, last)
	}
	return nil
}

func (b *builder) failed(r *wire.Failed) error {
	b.about(b.line, wire.KindFailed, wire.PoolKey{})
	shift, err := b.clock(true, r.At, r.OffsetMS)
	if err != nil {
		return err
	}
	at := r.At + shift
	if err := b.instant("the instant", at); err != nil {
		return err
	}
	if err := b.texts(r.Reason); err != nil {
		return err
	}
	if f := b.batch.Failed; at > f.At || at == f.At && r.Reason > f.Reason {
		b.batch.Failed = Failure{At: at, Reason: r.Reason}
	}
	return nil
}

func (b *builder) holders(r *wire.Holders) error {
	b.about(b.line, wire.KindHolders, wire.PoolKey{})
	shift, err := b.clock(r.Own, r.At, r.OffsetMS)
	if err != nil {
		return err
	}
	at := r.At + shift
	if err := b.instant("the instant", at); err != nil {
		return err
	}
	list := make([]Holder, len(r.Holders))
	for i := range r.Holders {
		h := &r.Holders[i]
		b.about(b.line, wire.KindHolders, h.PoolKey)
		if err := b.holder(h); err != nil {
			return err
		}
		list[i] = Holder{
			Pool: b.pool(h.PoolKey, "", 0, 0), User: h.User, Host: h.Host, Display: h.Display,
			Licenses: h.Licenses, Since: h.Since, Kind: h.How,
		}
	}
	if b.batch.Holders == nil || at > b.batch.Holders.At {
		b.batch.Holders = &Holders{At: at, List: list}
	}
	return nil
}

// holder says no to a line of holders.
func (b *builder) holder(h *wire.Holder) error {
	if err := b.named(h.PoolKey); err != nil {
		return err
	}
	if err := b.texts(h.User, h.Host, h.Display); err != nil {
		return err
	}
	if err := b.count("held", h.Licenses); err != nil {
		return err
	}
	switch h.How {
	case license.HolderActive, license.HolderBorrowed, license.HolderLinger, license.HolderQueued, license.HolderReserved:
	default:
		return b.no("a holder that is %.40q is not known to this hub; update the hub", h.How)
	}
	if h.Since == 0 {
		return nil
	}
	return b.instant("the check-out", h.Since)
}

func (b *builder) denial(r *wire.Denial) error {
	b.about(b.line, wire.KindDenial, r.PoolKey)
	if err := b.named(r.PoolKey); err != nil {
		return err
	}
	if err := b.instant("the instant", r.At); err != nil {
		return err
	}
	if err := b.texts(r.User, r.Host, r.Reason); err != nil {
		return err
	}
	if r.Count < 1 || r.Count > maxCount {
		return b.no("it happened %d times", r.Count)
	}
	last := max(r.Last, r.At)
	if err := b.instant("the last refusal", last); err != nil {
		return err
	}
	switch r.Outcome {
	case "", wire.DenialServed, wire.DenialUnserved:
	default:
		return b.no("a denial that ended %.40q is not known to this hub; update the hub", r.Outcome)
	}
	b.batch.Denials = append(b.batch.Denials, Denial{
		Pool: b.pool(r.PoolKey, "", 0, 0), At: r.At, User: r.User, Host: r.Host, Reason: r.Reason, Count: r.Count, Last: last, Outcome: r.Outcome,
	})
	return nil
}

// gone notes batches that will never come.
func (b *builder) gone(ids []wire.BatchID) {
	for _, id := range ids {
		b.batch.Gone = append(b.batch.Gone, ID(id))
	}
}

func (b *builder) gap(r *wire.Gap) error {
	b.about(b.line, wire.KindGap, wire.PoolKey{})
	if err := b.texts(r.Reason); err != nil {
		return err
	}
	if r.From < 0 || r.To < r.From {
		return b.no("it is from %d to %d; want the end not before the start", r.From, r.To)
	}
	if r.Batch != nil {
		if err := checkIdentity(r.Batch.Epoch, r.Batch.Seq); err != nil {
			return err
		}
		b.gone([]wire.BatchID{*r.Batch})
	}
	if err := checkReplaced(r.Replaces); err != nil {
		return err
	}
	b.gone(r.Replaces)
	b.batch.Gaps = append(b.batch.Gaps, Gap{From: r.From, To: r.To, Reason: r.Reason})
	return nil
}
