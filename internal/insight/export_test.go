package insight

import "headroom/internal/series"

// HighestOfDay looks into a day as a search does.
func HighestOfDay(from Reader, s *Scratch, tracks []*Track, number int32) (int64, error) {
	start := series.DayStart(number)
	p, err := s.load(from, tracks, number, Span{start, start + series.DaySeconds}, true)
	if err != nil {
		return 0, err
	}
	use, _ := p.highest(series.DaySeconds)
	return use, nil
}
