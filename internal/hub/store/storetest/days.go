package storetest

import (
	"context"
	"iter"
	"math"
	"slices"

	"headroom/internal/hub/store"
	"headroom/internal/hub/usage"
	"headroom/internal/series"
)

// A DayVersion says which content a day of a license server has.
type DayVersion struct {
	Day     int32
	Version int64
}

// Versions lists the days of a license server, ascending.
func Versions(ctx context.Context, db *store.DB, org, server int64) (all []DayVersion, err error) {
	for h, err := range db.Heads(ctx, org, math.MinInt32, math.MaxInt32, usage.Mark{}) {
		if err != nil {
			return nil, err
		}
		if h.Server == server {
			all = append(all, DayVersion{h.Day, h.Version})
		}
	}
	return all, nil
}

// Days decodes the days from <= day < to of a license server, ascending. The
// sequence ends with the first error.
func Days(ctx context.Context, db *store.DB, org, server int64, from, to int32) iter.Seq2[series.Day, error] {
	return func(yield func(series.Day, error) bool) {
		versions, err := Versions(ctx, db, org, server)
		if err != nil {
			yield(series.Day{}, err)
			return
		}
		for _, v := range versions {
			if v.Day < from || v.Day >= to {
				continue
			}
			d, err := day(ctx, db, org, server, v.Day)
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

func day(ctx context.Context, db *store.DB, org, server int64, number int32) (series.Day, error) {
	for b, err := range db.Blocks(ctx, org, number) {
		if err != nil {
			return series.Day{}, err
		}
		if b.Server == server {
			return series.Decode(slices.Concat(b.Head, b.Body))
		}
	}
	return series.Day{}, nil
}
