package series_test

import (
	"testing"

	"pgregory.net/rapid"

	"headroom/internal/license"
	"headroom/internal/series"
)

// day0 is the day that the tests speak of; its neighbours take part too.
const day0 = 20000

// A record is something that a license server said, before it is a day.
type record struct {
	round   series.Round
	samples []series.PoolSample

	pool  series.PoolID
	span  series.Span // a record of a log if To is set
	start int64
	steps []series.Step

	maximum series.Maximum // a record of a maximum if To is set
}

func (r record) addTo(t interface{ Fatal(...any) }, b *series.Builder) {
	if r.maximum.To > 0 {
		if err := b.AddMaximum(r.pool, r.maximum); err != nil {
			t.Fatal(err)
		}
		return
	}
	if r.span.To == 0 {
		b.AddRound(r.round, r.samples)
		return
	}
	if err := b.AddSpan(r.pool, r.span, r.start, r.steps); err != nil {
		t.Fatal(err)
	}
}

// build makes days of records.
func build(t interface{ Fatal(...any) }, records []record) []series.Day {
	var b series.Builder
	for _, r := range records {
		r.addTo(t, &b)
	}
	return b.Days()
}

// instants are few and near to midnight, so that much falls together.
func instants() *rapid.Generator[int64] {
	start := series.DayStart(day0)
	return rapid.Custom(func(t *rapid.T) int64 {
		return start + rapid.Int64Range(-40, 40).Draw(t, "second")
	})
}

func counts() *rapid.Generator[license.Count] {
	return rapid.Custom(func(t *rapid.T) license.Count {
		if n := rapid.Int64Range(-2, 6).Draw(t, "count"); n >= 0 {
			return license.Of(n)
		}
		return license.Count{}
	})
}

func samples() *rapid.Generator[series.PoolSample] {
	return rapid.Custom(func(t *rapid.T) series.PoolSample {
		s := series.PoolSample{Pool: series.PoolID(rapid.IntRange(1, 2).Draw(t, "pool"))}
		s.State = license.State(rapid.IntRange(0, 4).Draw(t, "state"))
		s.InUse = counts().Draw(t, "in use")
		s.Installed = counts().Draw(t, "installed")
		if rapid.IntRange(0, 3).Draw(t, "more") == 0 {
			s.Reserved = counts().Draw(t, "reserved")
			s.Borrowed = counts().Draw(t, "borrowed")
			s.Queued = counts().Draw(t, "queued")
			s.Overdraft = counts().Draw(t, "overdraft")
		}
		return s
	})
}

func rounds() *rapid.Generator[series.Round] {
	return rapid.Custom(func(t *rapid.T) series.Round {
		return series.Round{
			At:       instants().Draw(t, "at"),
			Hold:     rapid.Int64Range(1, 20).Draw(t, "hold"),
			Complete: rapid.Bool().Draw(t, "complete"),
			Imported: rapid.IntRange(0, 3).Draw(t, "imported") == 0,
		}
	})
}

func records() *rapid.Generator[record] {
	return rapid.Custom(func(t *rapid.T) record {
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0, 1:
			return logRecord(t)
		case 2:
			return maximumRecord(t)
		}
		return record{
			round:   rounds().Draw(t, "round"),
			samples: rapid.SliceOfN(samples(), 0, 2).Draw(t, "samples"),
		}
	})
}

func maximumRecord(t *rapid.T) record {
	from := instants().Draw(t, "from")
	return record{
		pool: series.PoolID(rapid.IntRange(1, 2).Draw(t, "pool")),
		maximum: series.Maximum{
			From: from, To: from + rapid.Int64Range(1, 30).Draw(t, "length"),
			InUse: rapid.Int64Range(0, 6).Draw(t, "in use"), Whole: true, Imported: rapid.Bool().Draw(t, "imported"),
		},
	}
}

func logRecord(t *rapid.T) record {
	from := instants().Draw(t, "from")
	r := record{
		pool: series.PoolID(rapid.IntRange(1, 2).Draw(t, "pool")),
		span: series.Span{
			From:     from,
			To:       from + rapid.Int64Range(1, 30).Draw(t, "length"),
			Exact:    rapid.Bool().Draw(t, "exact"),
			Imported: rapid.Bool().Draw(t, "imported"),
		},
		start: rapid.Int64Range(0, 6).Draw(t, "start"),
	}
	for at := from + rapid.Int64Range(0, 8).Draw(t, "gap"); at < r.span.To; at += rapid.Int64Range(1, 8).Draw(t, "gap") {
		inUse := rapid.Int64Range(0, 6).Draw(t, "in use")
		high := inUse + rapid.Int64Range(0, 2).Draw(t, "high")
		r.steps = append(r.steps, series.Step{At: at, InUse: inUse, High: high})
	}
	return r
}

func check(t *testing.T, f func(*rapid.T)) {
	t.Helper()
	rapid.Check(t, f)
}
