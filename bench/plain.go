package main

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"headroom/internal/series"
)

// A rival answers the same questions from plain tables. It holds the asked
// pool of every license server and nothing else, which is in its favour.
type rival interface {
	// Name says what it is, with its version.
	Name() string
	// Load takes the estate. Bytes is what the rows and indexes need.
	Load(ctx context.Context, e *estate) (rows, bytes int64, err error)
	// Peak returns the highest sum of the servers in [from, to) and the first
	// second that has it. Both ends are midnights in UTC.
	Peak(ctx context.Context, servers []int, from, to int64) (peakRow, error)
	// Trend returns the days of [from, to) in which something is known.
	Trend(ctx context.Context, servers []int, from, to int64) ([]dayRow, error)
	Close() error
}

// A row is a change of one license server's use. What changed stands beside
// what holds, so that a sum over servers is a running sum of changes. Where no
// sample follows in time, a row at the end of its hold takes the use away
// again: unknown adds nothing.
type row struct {
	Server int64 // from 1 on; 0 is nobody, who has a row at every midnight
	At     int64
	Use    int64
	Delta  int64 // the change against the server's row before
	Known  int64 // +1: the server becomes known, -1: it no longer is
}

// nobody has rows that change nothing: a trend needs a step at every midnight,
// and a row is cheaper than a union.
const nobody = 0

// A tail is how the rows of a server have ended so far.
type tail struct {
	at, use int64
	known   bool
}

// rows returns the rows of the asked pool of all servers, ordered by instant,
// then server. It holds one day of them.
func (e *estate) rows() iter.Seq[row] {
	e = e.askedOnly()
	return func(yield func(row) bool) {
		tails := make([]tail, e.Servers)
		var buffer []row
		var d day
		for n := range e.Days {
			midnight := series.DayStart(firstDay + int32(n))
			buffer = append(buffer[:0], row{Server: nobody, At: midnight})
			for s := range tails {
				if e.fill(&d, s, n) {
					buffer = tails[s].samples(buffer, s, &d, e.hold())
				}
				buffer = tails[s].end(buffer, s, midnight+series.DaySeconds, e.hold())
			}
			slices.SortFunc(buffer, func(a, b row) int {
				return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Server, b.Server))
			})
			for _, r := range buffer {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// samples appends the rows of a day's samples.
func (t *tail) samples(to []row, server int, d *day, hold int64) []row {
	for i, at := range d.At {
		to = t.end(to, server, at, hold)
		r := row{Server: int64(server) + 1, At: at, Use: d.Use[asked][i]}
		r.Delta = r.Use - t.use
		if !t.known {
			r.Known = 1
		}
		to = append(to, r)
		*t = tail{at: at, use: r.Use, known: true}
	}
	return to
}

// end appends the end of the last sample's hold, if that is before an instant.
func (t *tail) end(to []row, server int, before, hold int64) []row {
	if !t.known || t.at+hold >= before {
		return to
	}
	to = append(to, row{Server: int64(server) + 1, At: t.at + hold, Delta: -t.use, Known: -1})
	*t = tail{at: t.at + hold}
	return to
}

// The SQL of all rivals. $1 is the pool, $2 and $3 the span, $4 the hold.
//
// The use at the begin of the span is that of each server's last row, which
// cannot be older than a hold. The frame of a running sum that is ordered by
// the instant ends with the last row of the same second: all changes of one
// second come together without being grouped.
const (
	sqlChosen = `server IN (SELECT server FROM chosen)`

	sqlCarry = `
		carry AS (
			SELECT CAST(coalesce(sum(use), 0) AS integer) AS use, CAST(count(CASE WHEN known >= 0 THEN 1 END) AS integer) AS known
			FROM (
				SELECT use, known, row_number() OVER (PARTITION BY server ORDER BY moment DESC) AS place
				FROM sample
				WHERE pool = $1 AND moment >= CAST($2 AS integer) - CAST($4 AS integer) AND moment < $2 AND server > 0 AND ` + sqlChosen + `
			) AS before
			WHERE place = 1
		)`

	sqlPeak = `
		WITH ` + sqlCarry + `
		SELECT value + (SELECT use FROM carry), moment
		FROM (
			SELECT moment, sum(delta) OVER (ORDER BY moment) AS value
			FROM sample
			WHERE pool = $1 AND moment >= $2 AND moment < $3 AND ` + sqlChosen + `
		) AS level
		ORDER BY value DESC, moment LIMIT 1`

	sqlTrend = `
		WITH ` + sqlCarry + `,
		level AS (
			SELECT moment, sum(delta) OVER instant AS use, sum(known) OVER instant AS known, lead(moment, 1, $3) OVER instant - moment AS seconds
			FROM sample
			WHERE pool = $1 AND moment >= $2 AND moment < $3 AND ` + sqlChosen + `
			WINDOW instant AS (ORDER BY moment ROWS UNBOUNDED PRECEDING)
		),
		share AS (
			SELECT moment / 86400 AS day, use + (SELECT use FROM carry) AS use, sum(seconds) AS seconds
			FROM level
			WHERE seconds > 0 AND known + (SELECT known FROM carry) > 0
			GROUP BY 1, 2
		),
		ranked AS (
			SELECT day, use, seconds, sum(seconds) OVER (PARTITION BY day ORDER BY use) AS up_to, sum(seconds) OVER (PARTITION BY day) AS whole
			FROM share
		)
		SELECT day, max(use), CAST(sum(use * seconds) AS bigint), CAST(sum(seconds) AS bigint), min(CASE WHEN 100 * up_to >= 95 * whole THEN use END)
		FROM ranked
		GROUP BY day
		ORDER BY day`
)
