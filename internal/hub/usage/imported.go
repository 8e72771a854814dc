package usage

import (
	"slices"

	"headroom/internal/insight"
	"headroom/internal/series"
)

// ImportedDays are UTC days in which imported history of some license servers
// counts, ascending.
type ImportedDays []int32

// In says whether there is one of the days in a span.
func (d ImportedDays) In(s insight.Span) bool {
	i, _ := slices.BinarySearch(d, series.DayOf(s.From))
	return i < len(d) && d[i] <= series.DayOf(s.To-1)
}

// imported returns the days of the lines' license servers up to now.
func (s *Service) imported(e *estate, lines []*line) (days ImportedDays, err error) {
	of := make(map[int64]bool, len(lines))
	for _, l := range lines {
		of[l.server.ID] = true
	}
	for d, err := range e.reader.store.Imported(e.reader.ctx, e.org.ID, 0, series.DayOf(e.now.Unix())+1) {
		if err != nil {
			return nil, err
		}
		if n := len(days); of[d.Server] && (n == 0 || days[n-1] != d.Day) {
			days = append(days, d.Day)
		}
	}
	return days, nil
}
