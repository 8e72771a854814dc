package rlm

import (
	"strconv"

	"headroom/internal/format/facts"
	"headroom/internal/license"
)

// event returns what all records about licenses tell.
func (l *ReportLog) event(kind facts.Kind, r record, pool license.Pool) facts.Event {
	return facts.Event{
		Kind: kind, At: l.instant(r.stamp), Pool: pool, User: r.user, Host: r.host,
		Licenses: r.count, Total: l.pools[pool.Variant].total,
	}
}

// use adds what is in use after an event: two words, licenses that are not
// reserved and reservations. Where it is not known of which pool, it is told of
// none.
func (l *ReportLog) use(e *facts.Event, w []word) bool {
	use, ok1 := w[0].number()
	reserved, ok2 := w[1].number()
	if !ok1 || !ok2 {
		return false
	}
	if e.Pool.Variant == "" && l.products[e.Pool.Feature].pools > 1 {
		return true
	}
	e.InUse = license.Of(use + reserved)
	if has := l.pools[e.Pool.Variant].reserved; has.Known {
		e.Reserved = license.Of(max(0, has.N-reserved))
	}
	return true
}

// out reads a checkout: between count and time stand use, reservations in use,
// handle, handle of the shared license and more, in the small format only the
// handles.
func (l *ReportLog) out(w []word) (facts.Event, bool) {
	r, ok := readRecord(w, true, l.serves)
	if !ok || len(r.more) < 2 || r.stamp.dated && len(r.more) < 4 {
		return facts.Event{}, false
	}
	pool := l.poolOf(r.product)
	handles := r.more
	if r.stamp.dated {
		pool = l.numbered(r.product, r.pool)
		handles = r.more[2:]
	}
	e := l.event(facts.Out, r, pool)
	if r.stamp.dated && !l.use(&e, r.more) {
		return facts.Event{}, false
	}
	e.Handle = handles[0].text
	delete(l.waiting, e.Handle)
	if !l.open.take(e.Handle, handles[1].text, checkout{pool: pool, user: r.user, host: r.host}) {
		e.Licenses = 0
	}
	return e, true
}

// numbered returns the pool of that number, which need not have been told
// before.
func (l *ReportLog) numbered(product, number string) license.Pool {
	l.serve(product, number, reportPool{})
	return license.Pool{Feature: product, Variant: number}
}

// in reads a return. Its pool is that of the checkout. The small format tells
// the handle and nothing else.
func (l *ReportLog) in(w []word) (facts.Event, bool) {
	if len(w) == 4 {
		return l.smallIn(w)
	}
	if len(w) == 0 {
		return facts.Event{}, false
	}
	r, ok := readRecord(w[1:], false, l.serves)
	if !ok || len(r.more) != 3 {
		return facts.Event{}, false
	}
	handle := r.more[2].text
	c, gives := l.open.giveBack(handle)
	e := l.event(facts.In, r, l.poolNow(c, r.product))
	e.Handle, e.Reason = handle, returnReason(w[0].text)
	if !gives {
		e.Licenses = 0
	}
	return e, l.use(&e, r.more)
}

func (l *ReportLog) smallIn(w []word) (facts.Event, bool) {
	e, ok := l.small(facts.In, w, l.open)
	c, gives := l.open.giveBack(e.Handle)
	if !gives {
		e.Licenses = 0
	}
	return e, ok && c != nil
}

// small reads "why count handle time", and finds in known what it is about.
func (l *ReportLog) small(kind facts.Kind, w []word, known openCheckouts) (facts.Event, bool) {
	var r record
	var ok1, ok2 bool
	r.count, ok1 = w[1].number()
	r.stamp.clock, ok2 = readClock(w[3])
	c := known[w[2].text]
	if !ok1 || !ok2 || c == nil {
		return facts.Event{}, false
	}
	r.user, r.host = c.user, c.host
	e := l.event(kind, r, l.poolNow(c, c.pool.Feature))
	e.Handle, e.Reason = w[2].text, returnReason(w[0].text)
	return e, true
}

// held reads a checkout that is out. Between count and time stand its handle,
// in later versions that of the shared license, and the process.
func (l *ReportLog) held(w []word) (facts.Event, bool) {
	r, ok := readRecord(w, true, l.serves)
	if !ok || !r.stamp.dated || len(r.more) < 2 {
		return facts.Event{}, false
	}
	pool := l.numbered(r.product, r.pool)
	e := l.event(facts.Held, r, pool)
	e.Handle = r.more[0].text
	if l.open[e.Handle] != nil {
		return e, true
	}
	shared := ""
	if len(r.more) > 2 {
		shared = r.more[1].text
	}
	if !l.open.take(e.Handle, shared, checkout{pool: pool, user: r.user, host: r.host}) {
		e.Licenses = 0
	}
	return e, true
}

// deny reads a refusal: between count and time stand the status and whether
// the client gives up.
func (l *ReportLog) deny(w []word) (facts.Event, bool) {
	r, ok := readRecord(w, false, l.serves)
	if !ok || len(r.more) != 2 {
		return facts.Event{}, false
	}
	code, err := strconv.Atoi(r.more[0].text)
	last, ok := r.more[1].number()
	if err != nil || !ok {
		return facts.Event{}, false
	}
	e := l.event(facts.Refused, r, l.poolOf(r.product))
	e.Code, e.Reason, e.Again = code, refusalReason(code), last == 0
	return e, true
}

// queued reads a request that waits.
func (l *ReportLog) queued(w []word) (facts.Event, bool) {
	r, ok := readRecord(w, false, l.serves)
	if !ok || len(r.more) < 1 {
		return facts.Event{}, false
	}
	e := l.event(facts.Queued, r, l.poolOf(r.product))
	e.Handle = r.more[0].text
	l.waiting.take(e.Handle, "", checkout{pool: e.Pool, user: r.user, host: r.host})
	return e, true
}

// dequeued reads the end of a wait: another server had a license, or the
// client gave up.
func (l *ReportLog) dequeued(w []word) (facts.Event, bool) {
	if len(w) == 4 {
		e, ok := l.small(facts.Dequeued, w, l.waiting)
		delete(l.waiting, e.Handle)
		return e, ok
	}
	if len(w) == 0 {
		return facts.Event{}, false
	}
	r, ok := readRecord(w[1:], false, l.serves)
	if !ok || len(r.more) < 1 {
		return facts.Event{}, false
	}
	e := l.event(facts.Dequeued, r, l.poolOf(r.product))
	e.Handle, e.Reason = r.more[len(r.more)-1].text, returnReason(w[0].text)
	delete(l.waiting, e.Handle)
	return e, true
}
