package usage

import (
	"math"

	"headroom/internal/series"
)

// A latest is a pool's newest good values, however old.
type latest struct {
	series.Sample
	ok, gone bool
}

// latestDays is how far back a pool's newest good value is looked for: at
// first in few days, then in more, counted in days with data.
var latestDays = [...]int{2, 31}

// readLatest reads the newest values of a server's pools.
func (y *syncer) readLatest(server int64, s *serverPast) error {
	s.latest = make(map[series.PoolID]latest, len(s.pools))
	for _, p := range s.pools {
		if newest, ok, err := y.newest(server, s, p.ID); err != nil {
			return err
		} else if ok {
			s.latest[p.ID] = latest{Sample: newest, ok: true}
			continue
		}
		for _, n := range latestDays {
			known := s.days[max(0, len(s.days)-n):]
			days := make([]series.Day, 0, len(known))
			for _, d := range known {
				blocks, err := y.blocksOf(d.day)
				if err != nil {
					return err
				}
				day, err := blocks.Read(server, p.ID)
				if err != nil {
					return err
				}
				days = append(days, day)
			}
			var l latest
			l.Sample, l.ok, l.gone = series.Latest(days, p.ID, math.MaxInt64)
			s.latest[p.ID] = l
			if l.ok || l.gone || len(known) == len(s.days) {
				break
			}
		}
	}
	return nil
}

// newest returns a pool's newest values where the head of its server's last day
// tells them.
func (y *syncer) newest(server int64, s *serverPast, pool series.PoolID) (newest series.Sample, ok bool, err error) {
	if len(s.days) == 0 {
		return series.Sample{}, false, nil
	}
	blocks, err := y.blocksOf(s.days[len(s.days)-1].day)
	if err != nil {
		return series.Sample{}, false, err
	}
	newest, ok = blocks.Newest(server, pool)
	return newest, ok, nil
}
