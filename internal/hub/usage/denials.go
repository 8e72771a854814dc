package usage

import (
	"cmp"
	"context"
	"slices"
	"time"

	"headroom/internal/license"
	"headroom/internal/series"
)

// A Denial is a denial as the store keeps it.
type Denial struct {
	Server             int64 // Server.ID
	Pool               series.PoolID
	At                 int64 // the first refusal
	User, Host, Reason string
	Count              int64  // refusals folded into it
	Outcome            string // served, unserved, or empty: not known
}

// Denials are the refusals of a product over a span. One denial is a need: the
// refusals of one person that follow each other closely are one. It is true if
// that person went without, false if it was served soon after; where the source
// does not tell, it is neither.
type Denials struct {
	DenialCount
	Rows []DenialRow // newest day first, then by the most true ones
}

// A DenialCount counts denials.
type DenialCount struct{ True, False, Untold, Refusals int64 }

// All returns all denials.
func (c DenialCount) All() int64 { return c.True + c.False + c.Untold }

// add counts a denial.
func (c *DenialCount) add(d *Denial) {
	c.Refusals += d.Count
	switch d.Outcome {
	case "unserved":
		c.True++
	case "served":
		c.False++
	default:
		c.Untold++
	}
}

// A DenialRow counts the denials of one local day, license server, pool, person
// and reason.
type DenialRow struct {
	Day    time.Time // its first moment
	Server string
	Pool   license.Pool
	User   string // as it was written first
	Reason string
	DenialCount
}

// A denialKey is what the denials of a row have in common.
type denialKey struct {
	day          int64
	server       int64
	pool         series.PoolID
	user, reason string
}

// Denials answers who was refused a product on the chosen servers. Errors are
// those of Details.
func (s *Service) Denials(ctx context.Context, org int64, q Question) (out Denials, err error) {
	err = s.ask(ctx, org, about(q.Product), func(e *estate) error {
		_, lines, q, err := e.question(q)
		if err == nil {
			out, err = s.denials(ctx, e, lines, q)
		}
		return err
	})
	return out, err
}

func (s *Service) denials(ctx context.Context, e *estate, lines []*line, q Question) (out Denials, err error) {
	type pool struct {
		server int64
		id     series.PoolID
	}
	of := make(map[pool]*line, len(lines))
	for _, l := range lines {
		of[pool{l.server.ID, l.pool.ID}] = l
	}
	rows := make(map[denialKey]*DenialRow)
	for d, err := range e.reader.store.Denials(ctx, e.org.ID, q.From.Unix(), q.To.Unix()) {
		if err != nil {
			return Denials{}, err
		}
		l, ok := of[pool{d.Server, d.Pool}]
		if !ok {
			continue
		}
		out.add(&d)
		key := denialKey{e.dayStart(d.At), d.Server, d.Pool, license.FoldName(d.User), d.Reason}
		row := rows[key]
		if row == nil {
			row = &DenialRow{Day: time.Unix(key.day, 0).In(e.org.Zone), Server: l.server.Name, Pool: l.pool.Key, User: d.User, Reason: d.Reason}
			rows[key] = row
		}
		row.add(&d)
	}
	for _, row := range rows {
		out.Rows = append(out.Rows, *row)
	}
	slices.SortFunc(out.Rows, func(a, b DenialRow) int {
		return cmp.Or(
			b.Day.Compare(a.Day), cmp.Compare(b.True, a.True), cmp.Compare(b.All(), a.All()), cmp.Compare(a.Server, b.Server),
			cmp.Compare(a.Pool.String(), b.Pool.String()), cmp.Compare(a.User, b.User), cmp.Compare(a.Reason, b.Reason))
	})
	return out, nil
}

// denied counts the denials of the last 7 days by the product's key.
func (e *estate) denied(ctx context.Context) (map[string]DenialCount, error) {
	type pool struct {
		server int64
		id     series.PoolID
	}
	of := make(map[pool]string)
	for _, p := range e.products {
		for _, l := range p.lines {
			of[pool{l.server.ID, l.pool.ID}] = p.Key
		}
	}
	out := make(map[string]DenialCount)
	for d, err := range e.reader.store.Denials(ctx, e.org.ID, e.now.AddDate(0, 0, -7).Unix(), e.now.Unix()+1) {
		if err != nil {
			return nil, err
		}
		if key, ok := of[pool{d.Server, d.Pool}]; ok {
			count := out[key]
			count.add(&d)
			out[key] = count
		}
	}
	return out, nil
}
