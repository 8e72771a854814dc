package usage

import (
	"context"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/insight"
)

// A Moment is one second of a product: what its sum is made of.
type Moment struct {
	Product catalog.Product
	At      time.Time
	Sum     insight.Peak   // of the chosen servers at that second
	Parts   []MomentPart   // the chosen servers, by name
	All     []Server       // every server that has the product, for the filter
	Trend   insight.Bucket // the local day that has the second
}

// A MomentPart is what one license server had then. Of one that is not known then
// the sum has nothing.
type MomentPart struct {
	Server Server
	Pools  []string
	Then   insight.Peak
}

// Moment answers what the use of a product was made of at a second. Errors are
// those of Details; a second outside of what can be known is one of which nothing
// is known.
func (s *Service) Moment(ctx context.Context, org int64, q Question, at time.Time) (out Moment, err error) {
	err = s.ask(ctx, org, about(q.Product), func(e *estate) error {
		p, lines, _, err := e.question(q)
		if err != nil {
			return err
		}
		out = Moment{Product: p.Product, At: at}
		for _, of := range perServer(p.lines) {
			out.All = append(out.All, of[0].server.Server)
		}
		scratch := s.memory.scratches(1)
		defer s.memory.giveBack(scratch)
		if out.Sum, err = insight.At(e.reader, scratch[0], tracksOf(lines), at.Unix()); err != nil {
			return err
		}
		for _, of := range perServer(lines) {
			part := MomentPart{Server: of[0].server.Server}
			for _, l := range of {
				part.Pools = append(part.Pools, l.pool.Key.String())
			}
			if part.Then, err = insight.At(e.reader, scratch[0], tracksOf(of), at.Unix()); err != nil {
				return err
			}
			out.Parts = append(out.Parts, part)
		}
		from := e.dayStart(at.Unix())
		days, err := s.trend(e, p.Key, lines, from, e.dayStart(from+36*3600))
		if err == nil {
			out.Trend = joined(days)
		}
		return err
	})
	return out, err
}
