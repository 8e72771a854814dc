package usage

import (
	"context"

	"headroom/internal/insight"
)

// A Week is the use of a product by weekday and hour, over the whole span of its
// details: of one moment, so that the two agree.
type Week struct {
	Details
	Heat insight.Heat
}

// Week answers with the use of the chosen servers by the weekdays and hours of the
// organisation's clock. Errors are those of Details.
func (s *Service) Week(ctx context.Context, org int64, asked Question) (out Week, err error) {
	err = s.ask(ctx, org, about(asked.Product), func(e *estate) error {
		_, lines, q, err := e.question(asked)
		if err != nil {
			return err
		}
		if out.Details, err = s.details(e, asked); err != nil {
			return err
		}
		buckets, err := insight.TrackTrend(e.reader, tracksOf(lines), insight.Hours(q.From, q.To, e.org.Zone))
		if err == nil {
			out.Heat = insight.HeatOf(buckets, e.org.Zone)
		}
		return err
	})
	return out, err
}
