package usage

import (
	"cmp"
	"context"
	"slices"
	"time"

	"headroom/internal/license"
	"headroom/internal/series"
)

// A Holder is a line of the newest list of a license server that says who holds
// its licenses, as the store keeps it.
type Holder struct {
	Server              int64 // Server.ID
	Pool                series.PoolID
	User, Host, Display string
	Licenses            int64
	Since               time.Time // zero if not told
	Kind                license.HolderKind
}

// Checkouts are who has licenses of a product now, waits for them, or has them
// set aside: the newest lists of the chosen license servers that report.
type Checkouts struct {
	Rows   []Checkout                   // as kinds go from active to queued, the oldest first, and those of unknown age last
	Held   map[license.HolderKind]int64 // licenses, by kind
	Users  int                          // different ones who hold licenses, as far as they are named
	Oldest time.Time                    // list that contributes; zero if none
	Told   int                          // license servers that tell
	Untold []string                     // names of those that report and do not
}

// A Checkout is somebody on one license server.
type Checkout struct {
	Holder
	On   Server
	Name license.Pool
}

// kinds are the ways in which licenses are held, in the order of Rows.
var kinds = []license.HolderKind{
	license.HolderActive, license.HolderBorrowed, license.HolderLinger, license.HolderReserved, license.HolderQueued,
}

// Checkouts answers who has licenses of a product on the chosen servers. Errors
// are those of Details; span and step of the question do not matter.
func (s *Service) Checkouts(ctx context.Context, org int64, q Question) (out Checkouts, err error) {
	err = s.ask(ctx, org, about(q.Product), func(e *estate) error {
		_, lines, _, err := e.question(q)
		if err == nil {
			out, err = s.checkouts(ctx, e, lines)
		}
		return err
	})
	return out, err
}

func (s *Service) checkouts(ctx context.Context, e *estate, lines []*line) (Checkouts, error) {
	out := Checkouts{Held: map[license.HolderKind]int64{}}
	for _, of := range perServer(lines) {
		if of[0].server.Status == Reporting && hasAny(of) {
			out.list(of[0].server.Server)
		}
	}
	of := make(map[holderKey]*line, len(lines))
	features := map[string]bool{}
	for _, l := range lines {
		if l.server.Status == Reporting {
			of[holderKey{l.server.ID, l.pool.ID}] = l
			features[l.pool.Key.Feature] = true
		}
	}
	for feature := range features {
		for h, err := range e.reader.store.Holders(ctx, e.org.ID, feature) {
			if err != nil {
				return Checkouts{}, err
			}
			if l, ok := of[holderKey{h.Server, h.Pool}]; ok {
				out.Rows = append(out.Rows, Checkout{Holder: h, On: l.server.Server, Name: l.pool.Key})
			}
		}
	}
	out.count()
	return out, nil
}

// A holderKey is the pool of a holder.
type holderKey struct {
	server int64
	pool   series.PoolID
}

// list notes whether a server that has the product tells who holds licenses.
func (c *Checkouts) list(s Server) {
	if s.HoldersAt.IsZero() {
		c.Untold = append(c.Untold, s.Name)
		return
	}
	c.Told++
	if c.Oldest.IsZero() || s.HoldersAt.Before(c.Oldest) {
		c.Oldest = s.HoldersAt
	}
}

// count puts the rows in order and counts them.
func (c *Checkouts) count() {
	slices.SortFunc(c.Rows, func(a, b Checkout) int {
		return cmp.Or(
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), bySince(a.Since, b.Since),
			cmp.Compare(a.User, b.User), cmp.Compare(a.Host, b.Host), cmp.Compare(a.On.Name, b.On.Name), cmp.Compare(a.Pool, b.Pool))
	})
	users := map[string]bool{}
	for _, r := range c.Rows {
		c.Held[r.Kind] += r.Licenses
		if who := license.FoldName(r.User); who != "" && r.Kind != license.HolderQueued && r.Kind != license.HolderReserved {
			users[who] = true
		}
	}
	c.Users = len(users)
}

// bySince orders instants; one that is not told is last.
func bySince(a, b time.Time) int {
	if a.IsZero() || b.IsZero() {
		return b.Compare(a)
	}
	return a.Compare(b)
}
