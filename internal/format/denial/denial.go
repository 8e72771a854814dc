// Package denial tells the refusals of a license server that left somebody
// without a license from those that did not. It is the one rule for logs that
// are tailed, imported and reported on; Rule says it to people.
package denial

import (
	"cmp"
	"slices"
	"time"

	"headroom/internal/license"
)

// Window is within which time a refusal of the same request is a repeat of the
// one before it, and within which somebody must be served for a refusal not to
// matter.
const Window = 5 * time.Minute

// Rule says how denials are counted.
const Rule = "Refusals of the same person on the same host for the same feature are one denial while each comes within 5 minutes " +
	"of the one before it. A denial is false if that person is served within 5 minutes of its last refusal, and true if not: " +
	"somebody went without. Where a log does not go on that long, it is neither."

// An Outcome says what became of who was refused. The words stand on the wire.
type Outcome string

// The outcomes.
const (
	Unknown  Outcome = ""
	Served   Outcome = "served"   // a false denial
	Unserved Outcome = "unserved" // a true one
)

// A Request is what somebody asks for.
type Request struct {
	Pool       license.Pool
	User, Host string
}

// Folded is the request whatever the case of its names.
func (r Request) Folded() Request {
	r.User, r.Host = license.FoldName(r.User), license.FoldName(r.Host)
	return r
}

// A Denial is a request that was refused, once or again and again.
type Denial struct {
	Request
	First, Last time.Time // refusals
	Count       int64     // of them, at least 1
	Reason      string    // of the first, in the server's words
	Outcome     Outcome
}

// Settled is when the outcome is known: the first second after the window.
func (d Denial) Settled() time.Time { return d.Last.Add(Window + time.Second) }

// A Watch folds refusals into denials. It is told what a log says in the order
// of the log; what goes back in time counts where the log has come to.
type Watch struct {
	// Tell is given each denial once its outcome is known.
	Tell func(Denial)

	open map[Request]*watched
	now  time.Time // of the newest event
	due  time.Time // when the first of open may be settled
}

type watched struct {
	Denial
	served bool
}

// Refused notes a refusal, and reports whether a denial begins with it: one that
// Tell will be given.
func (w *Watch) Refused(at time.Time, r Request, reason string) (begins bool) {
	w.come(at)
	key := r.Folded()
	d := w.open[key]
	if d == nil {
		if w.open == nil {
			w.open = make(map[Request]*watched)
		}
		d = &watched{Denial: Denial{Request: r, First: w.now, Reason: reason}}
		w.open[key], begins = d, true
	}
	d.Last, d.served = w.now, false
	d.Count++
	if due := d.Settled(); len(w.open) == 1 || due.Before(w.due) {
		w.due = due
	}
	return begins
}

// Served notes that a request was granted. It is given folded: most were never
// refused, and there are many.
func (w *Watch) Served(at time.Time, folded Request) {
	w.come(at)
	if d := w.open[folded]; d != nil {
		d.served = true
	}
}

// Waiting says whether there is anybody whom it matters to serve.
func (w *Watch) Waiting() bool { return len(w.open) > 0 }

// come goes on to the instant of an event.
func (w *Watch) come(at time.Time) {
	if at.After(w.now) {
		w.now = at
	}
	w.Advance(w.now)
}

// Advance notes that up to an instant there was nothing more to be told.
func (w *Watch) Advance(to time.Time) {
	if len(w.open) == 0 || to.Before(w.due) {
		return
	}
	w.tell(Unserved, func(d *watched) bool { return !to.Before(d.Settled()) })
	w.due = time.Time{}
	for _, d := range w.open {
		if due := d.Settled(); w.due.IsZero() || due.Before(w.due) {
			w.due = due
		}
	}
}

// End tells the denials of which it is not known how they ended, as such: the
// log does not go on.
func (w *Watch) End() {
	w.tell(Unknown, func(*watched) bool { return true })
}

// tell tells denials and drops them, in the order in which they were refused
// last: that in which they are settled, however often one looks.
func (w *Watch) tell(unless Outcome, which func(*watched) bool) {
	var told []*watched
	for key, d := range w.open {
		if which(d) {
			told = append(told, d)
			delete(w.open, key)
		}
	}
	slices.SortFunc(told, func(a, b *watched) int {
		return cmp.Or(
			a.Last.Compare(b.Last), a.First.Compare(b.First), cmp.Compare(a.Pool.String(), b.Pool.String()),
			cmp.Compare(a.User, b.User), cmp.Compare(a.Host, b.Host),
		)
	})
	for _, d := range told {
		d.Outcome = unless
		if d.served {
			d.Outcome = Served
		}
		w.Tell(d.Denial)
	}
}
