package flexnet

import (
	"slices"
	"time"

	"headroom/internal/format/denial"
	"headroom/internal/license"
)

// logRetry is within how many seconds a refusal of the same request is a
// repeat of the one before it.
const logRetry = 5 * 60

// The books of a daemon say what its checkouts add up to.
type logBooks struct {
	process   *logProcess
	features  map[string]*logAccounts
	list      []*logAccounts // in order of the log
	checkouts map[logKey]*logAccount
	denials   map[logAsker]*logDenial
	room      int   // how many checkouts may be kept before closed ones are dropped
	epoch     int   // counts the resets: what was opened before the last is closed
	now       int64 // of the last refusal
	exact     bool  // the history begins with the start of this daemon
}

// logAccounts are the books of one feature.
type logAccounts struct {
	books   *logBooks
	feature string
	sum     LogFeature // what needs no further thought
	open    int64      // licenses
	held    int        // checkouts that hold them
	peak    int64
	peakAt  int64
	high    int64 // of this second, while dirty
	dirty   bool
	denials int                 // that may still end well
	users   map[string]*logUser // by folded name
	hosts   map[string]bool
	begin   int64 // of the first event with a date; else logUndated
	end     int64 // of the last
}

// A logKey is what an OUT and its IN have in common.
type logKey struct {
	feature, user, host, extra, handle string
	licenses                           int64
}

// A logAccount holds the checkouts of one key, oldest first.
type logAccount struct {
	of    *logAccounts
	who   *logSubject
	user  *logUser
	epoch int
	since []int64 // those from head on are open
	head  int
}

// A logUser is somebody who checks a feature out or in.
type logUser struct {
	name string // as it was written first
	out  int64  // OUT lines
	last int64  // the last OUT or IN with a date; else logUndated
}

// A logAsker is somebody who asks for a feature.
type logAsker struct{ feature, user, host string }

// A logDenial is the last refusal of a request.
type logDenial struct{ at int64 }

func (t *LogTotals) booksOf(p *logProcess) *logBooks {
	if p.books == nil {
		p.books = &logBooks{
			process: p, features: map[string]*logAccounts{},
			checkouts: map[logKey]*logAccount{}, denials: map[logAsker]*logDenial{},
			room: logKept, epoch: 1,
		}
		t.books = append(t.books, p.books)
	}
	return p.books
}

// add takes an event into the books.
func (t *LogTotals) add(rec *logRecord) {
	at := t.advance(rec.at)
	switch rec.kind {
	case LogStart, LogShutdown, LogExit:
		t.resets(rec, at)
	case LogOut, LogIn:
		t.moves(rec, at)
	case LogDenied, LogUnsupported, LogQueued, LogDequeued:
		t.asks(rec, at)
	}
}

// advance goes on to an instant and returns the second in which it counts.
func (t *LogTotals) advance(at int64) int64 {
	if at < 0 {
		return at
	}
	if at > t.now {
		t.flush()
		t.now = at
	}
	return t.now
}

// resets closes what is open on the daemon of an event, or on all.
func (t *LogTotals) resets(rec *logRecord, at int64) {
	if rec.process != nil {
		t.reset(t.booksOf(rec.process), at)
		return
	}
	for _, b := range t.books {
		t.reset(b, at)
	}
}

func (t *LogTotals) reset(b *logBooks, at int64) {
	b.epoch++
	for _, a := range b.list {
		if a.held = 0; a.open != 0 {
			a.open = 0
			t.note(a, at)
		}
	}
}

// moves takes an OUT or IN into the books.
func (t *LogTotals) moves(rec *logRecord, at int64) {
	k := rec.subject.account
	if k == nil || rec.verbose.handle != "" {
		k = t.account(rec)
	}
	a := k.of
	a.seen(at)
	changed := true
	n := rec.subject.licenses
	k.user.last = max(k.user.last, at)
	if rec.kind == LogOut {
		k.user.out++
		a.sum.Out++
		a.sum.OutLicenses += n
		a.open += n
		k.push(at)
		if at >= 0 && a.denials > 0 {
			t.watch.Served(logInstant(at), asker(rec))
		}
	} else {
		a.sum.In++
		a.sum.InLicenses += n
		if changed = k.pop(); changed {
			a.open -= n
		} else {
			a.sum.InUnmatched++
		}
	}
	if v := &rec.verbose; v.inUse.Known {
		a.open, changed = v.inUse.N, true
	}
	if rec.verbose.outOf.Known {
		a.sum.Installed = rec.verbose.outOf
	}
	if changed {
		t.note(a, at)
	}
}

// note takes a new number of open licenses into peak and steps.
func (t *LogTotals) note(a *logAccounts, at int64) {
	if a.open > a.peak {
		a.peak, a.peakAt = a.open, at
	}
	if at < 0 {
		return
	}
	if !a.dirty {
		a.dirty, a.high = true, a.open
		t.dirty = append(t.dirty, a)
	}
	a.high = max(a.high, a.open)
}

// account returns the account of a checkout. Who it is for counts as a user.
func (t *LogTotals) account(rec *logRecord) *logAccount {
	b, s := t.booksOf(rec.process), rec.subject
	user, host := license.FoldName(s.user), license.FoldName(s.host)
	key := logKey{s.feature, user, host, s.extra, rec.verbose.handle, s.licenses}
	k := b.checkouts[key]
	if k == nil {
		b.make(key)
		a := b.of(s.feature)
		k = &logAccount{of: a, who: s, user: a.user(user, s.user)}
		b.checkouts[key] = k
		t.users[user], t.hosts[host] = true, true
		a.hosts[host] = true
	}
	if key.handle == "" {
		s.account = k
	}
	return k
}

// asks takes a request that was not granted into the books.
func (t *LogTotals) asks(rec *logRecord, at int64) {
	b, s := t.booksOf(rec.process), rec.subject
	a := b.of(s.feature)
	a.seen(at)
	switch rec.kind {
	case LogUnsupported:
		a.sum.Unsupported++
	case LogQueued:
		a.sum.Queued++
	case LogDenied:
		a.sum.Denied++
		if !b.repeats(s, at) {
			a.sum.DeniedFolded++
			if s.code == -4 {
				a.sum.Shortages++
			}
		}
		if at >= 0 {
			if t.watch.Refused(logInstant(at), request(rec), s.reason) {
				a.denials++
			}
		}
	}
}

// asker is who asks for what, folded once for all lines that say so.
func asker(rec *logRecord) denial.Request {
	s := rec.subject
	if s.asks == nil {
		r := request(rec).Folded()
		s.asks = &r
	}
	return *s.asks
}

// request is what somebody asked for, as all license servers' logs have it.
func request(rec *logRecord) denial.Request {
	s := rec.subject
	return denial.Request{Pool: license.Pool{Feature: s.feature, Daemon: rec.process.name}, User: s.user, Host: s.host}
}

// repeats tells whether a refusal follows one of the same request so closely
// that it is the same need.
func (b *logBooks) repeats(s *logSubject, at int64) bool {
	b.now = at
	if s.denial == nil {
		key := logAsker{s.feature, license.FoldName(s.user), license.FoldName(s.host)}
		if s.denial = b.denials[key]; s.denial == nil {
			s.denial = &logDenial{at}
			b.denials[key] = s.denial
			return false
		}
	}
	last := s.denial.at
	s.denial.at = at
	return at-last <= logRetry
}

// of returns the accounts of a feature.
func (b *logBooks) of(feature string) *logAccounts {
	a := b.features[feature]
	if a == nil {
		a = &logAccounts{books: b, feature: feature, users: map[string]*logUser{}, hosts: map[string]bool{}, begin: logUndated, end: logUndated}
		b.features[feature] = a
		b.list = append(b.list, a)
	}
	return a
}

// user returns who has that folded name.
func (a *logAccounts) user(folded, name string) *logUser {
	u := a.users[folded]
	if u == nil {
		u = &logUser{name: name, last: logUndated}
		a.users[folded] = u
	}
	return u
}

// make makes room for another checkout. Those with a handle come once and
// would fill the books.
func (b *logBooks) make(key logKey) {
	if key.handle != "" && len(b.checkouts) >= b.room {
		b.process.forget()
		b.sweep()
		b.room = max(logKept, 2*len(b.checkouts))
	}
}

// sweep drops what nothing depends on: closed accounts and old refusals. The
// subjects that point to them must be gone.
func (b *logBooks) sweep() {
	for key, k := range b.checkouts {
		if k.openCount() == 0 {
			delete(b.checkouts, key)
		}
	}
	for key, d := range b.denials {
		if b.now-d.at > logRetry {
			delete(b.denials, key)
		}
	}
}

func (a *logAccounts) seen(at int64) {
	if a.begin < 0 {
		a.begin = at
	}
	a.end = max(a.end, at)
}

// total returns the sums of a feature.
func (a *logAccounts) total(basis license.Basis) LogFeature {
	f := a.sum
	f.Daemon, f.Feature = a.books.process.name, a.feature
	f.Users, f.Hosts = len(a.users), len(a.hosts)
	f.Open, f.OpenCheckouts = a.open, a.held
	f.Peak = LogPeak{Value: a.peak, Basis: basis}
	if a.peak > 0 {
		f.Peak.At = logInstant(a.peakAt)
	}
	f.First, f.Last = logInstant(a.begin), logInstant(a.end)
	for _, k := range a.books.process.packs {
		if k.name == a.feature {
			f.Members = slices.Clone(k.members.list)
		}
		if k.members.has[a.feature] {
			f.MemberOf = append(f.MemberOf, k.name)
		}
	}
	return f
}

// push opens a checkout.
func (k *logAccount) push(at int64) {
	if k.openCount() == 0 {
		k.since, k.head, k.epoch = k.since[:0], 0, k.of.books.epoch
	}
	if k.head > len(k.since)/2 && k.head >= 16 {
		k.since, k.head = append(k.since[:0], k.since[k.head:]...), 0
	}
	k.since = append(k.since, at)
	k.of.held++
}

// pop closes the oldest checkout; false if none is open.
func (k *logAccount) pop() bool {
	if k.openCount() == 0 {
		return false
	}
	k.head++
	k.of.held--
	return true
}

// openCount returns how many checkouts are open.
func (k *logAccount) openCount() int {
	if k.epoch != k.of.books.epoch {
		return 0
	}
	return len(k.since) - k.head
}

// appendOpen appends the open checkouts.
func (k *logAccount) appendOpen(all []LogCheckout) []LogCheckout {
	if k.openCount() == 0 {
		return all
	}
	c := LogCheckout{
		Daemon: k.of.books.process.name, Feature: k.who.feature, User: k.who.user,
		Host: k.who.host, Extra: k.who.extra, Licenses: k.who.licenses, Since: time.Time{},
	}
	for _, at := range k.since[k.head:] {
		c.Since = logInstant(at)
		all = append(all, c)
	}
	return all
}
